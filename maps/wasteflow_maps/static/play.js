// Plays a map through its months, and keeps what is chosen on it (month, hidden layers) in the
// address: in its own hash, and told to the page around it.
(function () {
  "use strict";
  var data = null, tools = null, lines = [], marks = [], now = 0, timer = 0, tables = {};
  var hidden = {}, found = {}, PACE = 1100, CALM = 2200;

  function element(id) { return document.getElementById(id); }
  // [month position, kg, loads, …] of a link or bubble as {position: [kg, loads]}.
  function table(kind, index) {
    var key = kind + index;
    if (!tables[key]) {
      var row = data[kind][index] || [], made = tables[key] = {};
      for (var i = 0; i < row.length; i += 3) made[row[i]] = [row[i + 1], row[i + 2]];
    }
    return tables[key];
  }
  // [kg, loads] of the month shown; null for the whole period.
  function value(kind, index) {
    if (!now || !data[kind].length) return null;
    return table(kind, index)[now - 1] || [0, 0];
  }
  function monthText(position) {
    var month = data.months[position], tail = month % 100;
    return Math.floor(month / 100) + "-" + (tail < 10 ? "0" : "") + tail;
  }
  // As the pages write a month; `monthText` is for addresses.
  function monthWords(position) {
    var month = data.months[position], year = Math.floor(month / 100);
    if (document.documentElement.lang !== "en") return year + "年" + month % 100 + "月";
    return "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[month % 100 - 1] + " " + year;
  }
  function largest(kind) {
    var most = 1;
    data[kind].forEach(function (row) {
      for (var i = 1; i < row.length; i += 3) most = Math.max(most, row[i]);
    });
    return most;
  }
  function rounded(kg) {
    var power = Math.pow(10, Math.max(0, Math.floor(Math.log10(Math.max(kg, 1))) - 1));
    return Math.round(kg / power) * power;
  }

  function mark(layer, none) {
    layer.options.className = layer.options.className.replace(" wf-none", "") + (none ? " wf-none" : "");
    if (layer._path) layer._path.classList.toggle("wf-none", none);
  }
  function draw() {
    var most = now ? largest("series") : data.largest, total = 0, moved = 0, sums = {}, apart = 0;
    lines.forEach(function (line) {
      var part = value("series", line.options.index), kg = part ? part[0] : line.options.link[3];
      mark(line, !kg);
      line.setStyle({ weight: kg ? Math.max(data.thinnest, data.widest * Math.sqrt(kg / most)) : 1 });
      if (kg) { total += kg; moved += 1; }
      sums[line.options.group] = (sums[line.options.group] || 0) + kg;
    });
    var top = now ? largest("bubble_series") : data.largest_bubble;
    marks.forEach(function (bubble, index) {
      var part = value("bubble_series", index), kg = part ? part[0] : bubble.options.bubble[2];
      apart += kg;
      mark(bubble, !kg);
      bubble.setRadius(kg ? tools.radius(kg, top) : data.smallest);
    });
    legend("px", data.widest, most);
    legend("radius", data.biggest, top);
    words(moved, total);
    document.body.classList.toggle("wf-one-month", now > 0);
    document.querySelectorAll("#wf-layers .wf-sum").forEach(function (box) {
      var key = box.parentElement.querySelector("[class*='wf-m']"), at = key && /wf-m(\d+)/.exec(key.className);
      box.textContent = tools.mass(at ? sums[at[1]] || 0 : apart);
    });
    var partners = element("wf-partners");
    if (partners) partners.textContent = tools.mass(apart);
  }
  // The scales keep their lines and circles; what they stand for changes with the month.
  function legend(name, full, most) {
    document.querySelectorAll("[data-" + name + "]").forEach(function (step) {
      if (!step.dataset.whole) step.dataset.whole = step.textContent;
      step.textContent = now
        ? "≈ " + tools.mass(rounded(most * Math.pow(Number(step.dataset[name]) / full, 2))).replace(/\.0+ /, " ").replace(/(\.\d)0 /, "$1 ")
        : step.dataset.whole;
    });
  }
  function words(moved, total) {
    var period = element("wf-period"), sum = element("wf-total"), T = data.texts;
    [period, sum].forEach(function (box) {
      if (box && !box.dataset.whole) box.dataset.whole = box.textContent;
    });
    if (period) period.textContent = now ? monthWords(now - 1) : period.dataset.whole;
    if (sum) {
      sum.textContent = now
        ? tools.grouped(moved, 0) + " " + T.links_unit + " · " + tools.mass(total)
        : sum.dataset.whole;
    }
    var slider = element("wf-month"), told = now ? monthWords(now - 1) : T.whole_period;
    slider.value = String(now);
    slider.setAttribute("aria-valuetext", told);
    element("wf-now").textContent = told;
    element("wf-whole").disabled = !now;
  }

  function calm() { return window.matchMedia("(prefers-reduced-motion: reduce)").matches; }
  function playing(on) {
    window.clearInterval(timer);
    timer = on ? window.setInterval(step, calm() ? CALM : PACE) : 0;
    var button = element("wf-play"), T = data.texts;
    button.dataset.playing = on ? "1" : "";
    button.lastElementChild.textContent = on ? T.pause : T.play;
  }
  function step() {
    if (now >= data.months.length) playing(false);
    else show(now + 1);
  }
  function show(month) {
    now = Math.max(0, Math.min(data.months.length, month));
    draw();
    tell();
  }
  function bar() {
    var box = element("wf-bar");
    if (!box) return;
    element("wf-play").addEventListener("click", function () {
      if (timer) { playing(false); return; }
      if (now >= data.months.length) now = 0;
      playing(true);
      step();
    });
    [["wf-before", -1], ["wf-after", 1]].forEach(function (pair) {
      element(pair[0]).addEventListener("click", function () { playing(false); show(now + pair[1]); });
    });
    element("wf-whole").addEventListener("click", function () { playing(false); show(0); });
    element("wf-month").addEventListener("input", function (event) {
      playing(false);
      show(Number(event.target.value));
    });
    document.addEventListener("visibilitychange", function () { if (document.hidden) playing(false); });
  }

  function state() {
    var parts = [], names = Object.keys(hidden).filter(function (name) { return hidden[name]; }).sort();
    if (now) parts.push("month=" + monthText(now - 1));
    if (names.length) parts.push("hide=" + names.map(encodeURIComponent).join(","));
    return parts.join("&");
  }
  function tell() {
    var text = state();
    try { window.history.replaceState(null, "", "#" + text); } catch (error) { return; }
    if (window.parent !== window) {
      window.parent.postMessage({ wasteflow: "map", state: text }, window.location.origin);
    }
  }
  function layerName(what) {
    return typeof what === "number" ? data.groups[what].code : what;
  }
  // After everything is drawn: what the hash asks for, then every change is told.
  function start(given) {
    data = given.data; tools = given.tools; lines = given.lines; marks = given.marks;
    var asked = new URLSearchParams(window.location.hash.slice(1));
    (asked.get("hide") || "").split(",").forEach(function (name) { hidden[name] = Boolean(name); });
    Object.keys(given.groups).forEach(function (what) {
      var name = layerName(/^\d+$/.test(what) ? Number(what) : what), layer = given.groups[what];
      found[name] = layer;
      if (hidden[name]) given.map.removeLayer(layer);
      layer.on("add remove", function (event) { hidden[name] = event.type === "remove"; tell(); });
    });
    Object.keys(hidden).forEach(function (name) { if (!found[name]) delete hidden[name]; });
    if (!data.months.length) return;
    bar();
    data.months.forEach(function (month, index) {
      if (monthText(index) === asked.get("month")) { now = index + 1; draw(); }
    });
  }

  window.wasteflowPlay = { start: start, value: value, month: function () { return now ? monthText(now - 1) : ""; } };
})();
