// A chart as a picture for a report: SVG or PNG with title, scope, period, legend, formula, source
// and date inside. Built here in the browser out of the drawn SVG; nothing is asked for.
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg", EDGE = 28, SCALE = 2, NARROWEST = 640, FADE = 900;
  var LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "stroke-linejoin", "opacity", "font-size", "font-weight", "text-anchor",
    "dominant-baseline", "paint-order", "marker-end", "visibility", "clip-path"];
  // A document of its own has no policy on styles, and nothing in it is ever shown.
  var paper = document.implementation.createDocument(SVG, "svg", null);
  var pen = document.createElement("canvas").getContext("2d");

  function make(parent, tag, values, text) {
    var made = paper.createElementNS(SVG, tag);
    Object.keys(values || {}).forEach(function (name) { made.setAttribute(name, values[name]); });
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }
  // An element of the page with what its style sheet makes of it; what is not shown stays away.
  function copy(source, parent) {
    if (source.nodeType === 3) { parent.appendChild(paper.createTextNode(source.data)); return; }
    if (source.nodeType !== 1 || source.namespaceURI !== SVG || source.localName === "style") return;
    var look = window.getComputedStyle(source);
    if (look.display === "none" && source.localName !== "title") return;
    var made = make(parent, source.localName);
    Array.prototype.forEach.call(source.attributes, function (one) {
      if (!/^(style|class|role|tabindex|xmlns.*|aria-.*|data-.*|on.*|xml:.*|href)$/.test(one.name)) made.setAttribute(one.name, one.value);
    });
    LOOKS.forEach(function (name) {
      var value = look.getPropertyValue(name);
      if (value && value !== "none" && value !== "normal") made.setAttribute(name, value.replace(/url\("[^"#]*#/, 'url("#'));
      else if (value === "none" && (name === "fill" || name === "stroke")) made.setAttribute(name, "none");
    });
    if (source.localName === "text" && look.textShadow !== "none") {
      made.setAttribute("paint-order", "stroke");
      made.setAttribute("stroke", "#ffffff");
      made.setAttribute("stroke-width", "3");
      made.setAttribute("stroke-opacity", "0.85");
      made.setAttribute("stroke-linejoin", "round");
    }
    Array.prototype.forEach.call(source.childNodes, function (child) { copy(child, made); });
    return made;
  }
  function outer(target) {
    return Array.prototype.filter.call(target.querySelectorAll("svg"), function (one) {
      return !one.parentElement.closest("svg") && one.getBoundingClientRect().width > 1;
    });
  }
  function lines(text, size, weight, width, family) {
    pen.font = weight + " " + size + "px " + family;
    var found = [], line = "";
    (text.match(/[\x21-\x7e\u00a0-\u024f]+[，。；：、）]*\s*|\s+|[^\x21-\x7e\s][，。；：、）]*/g) || []).forEach(function (part) {
      if (line && pen.measureText(line + part).width > width) { found.push(line); line = ""; }
      line += part;
    });
    if (line.trim()) found.push(line);
    return found;
  }

  // The day in China, where the books are kept.
  function today() {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date());
  }

  // The whole picture as SVG text.
  function compose(target, told, legend) {
    var box = target.getBoundingClientRect(), width = Math.max(NARROWEST, Math.ceil(box.width)) + 2 * EDGE;
    var family = window.getComputedStyle(document.body).fontFamily, ink = "#17212b", soft = "#4c5965";
    var root = make(null, "svg", { xmlns: SVG, "font-family": family, width: width });
    var ground = make(root, "rect", { x: 0, y: 0, width: width, fill: "#ffffff" }), y = EDGE + 8;
    make(root, "title", {}, told.title);
    function write(text, size, weight, colour, after) {
      lines(text, size, weight, width - 2 * EDGE, family).forEach(function (line) {
        y += size;
        make(root, "text", { x: EDGE, y: y, "font-size": size, "font-weight": weight, fill: colour }, line);
        y += Math.round(size * 0.4);
      });
      y += after;
    }
    write(told.title, 20, 650, ink, 0);
    write(told.where, 14, 400, soft, 8);
    y = entries(root, legend, y, width, family, ink);
    var top = y + 4, drawn = outer(target);
    // A small chart that can grow fills the picture; one made for its size keeps it.
    var grow = drawn.length === 1 && drawn[0].hasAttribute("viewBox")
      ? Math.max(1, Math.min(2, NARROWEST / box.width)) : 1;
    if (target.classList.contains("leaflet-container")) {
      grow = Math.max(1, Math.min(2, NARROWEST / box.width));
      drawn = framed(root, drawn, box, top, grow, target, soft);
    }
    drawn.forEach(function (one) {
      var at = one.getBoundingClientRect(), made = copy(one, root);
      [["x", EDGE + grow * (at.left - box.left)], ["y", top + grow * (at.top - box.top)],
        ["width", grow * at.width], ["height", grow * at.height]].forEach(function (pair) {
        made.setAttribute(pair[0], Math.round(pair[1] * 10) / 10);
      });
    });
    y = top + grow * box.height + 10;
    if (told.synthetic) write(told.synthetic, 13, 650, "#6b4700", 0);
    [told.formula, told.source + " " + told.made.replace("{date}", today())].forEach(function (text) { if (text) write(text, 12.5, 400, soft, 0); });
    y = Math.ceil(y + EDGE - 8);
    ground.setAttribute("height", y);
    root.setAttribute("height", y);
    root.setAttribute("viewBox", "0 0 " + width + " " + y);
    return { text: new XMLSerializer().serializeToString(root), width: width, height: y };
  }
  // A map: its layers from below upwards, nothing beyond its frame, with its degrees and its scale.
  function framed(root, drawn, box, top, grow, target, colour) {
    var into = make(root, "svg", { x: EDGE, y: top, width: grow * box.width, height: grow * box.height,
      viewBox: "0 0 " + box.width + " " + box.height, overflow: "hidden" });
    function depth(one) { return Number(window.getComputedStyle(one.closest(".leaflet-pane")).zIndex) || 0; }
    make(into, "rect", { width: box.width, height: box.height, fill: "#f7f9f8", stroke: "#c3ccc7" });
    drawn.sort(function (one, other) { return depth(one) - depth(other); }).forEach(function (one) {
      var at = one.getBoundingClientRect(), made = copy(one, into);
      made.setAttribute("x", at.left - box.left);
      made.setAttribute("y", at.top - box.top);
    });
    Array.prototype.forEach.call(target.querySelectorAll(".wf-degrees span, .leaflet-control-scale-line"), function (one) {
      var at = one.getBoundingClientRect(), x = at.left - box.left, y = at.bottom - box.top;
      if (!one.closest(".wf-degrees")) {
        make(into, "path", { d: "M" + x + " " + (y - 6) + "v6h" + at.width + "v-6", fill: "none", stroke: colour, "stroke-width": 2 });
      }
      make(into, "text", { x: x + 4, y: y - 5, "font-size": 12 / Math.sqrt(grow), fill: colour }, one.textContent);
    });
    return [];
  }
  // Marks and words of the legend of the page, in rows.
  function entries(root, legend, y, width, family, ink) {
    var x = EDGE;
    Array.prototype.forEach.call(legend ? legend.children : [], function (item) {
      var mark = item.querySelector("svg"), size = mark ? mark.getBoundingClientRect() : { width: 0, height: 0 };
      var words = item.textContent.trim(), wide;
      pen.font = "400 13px " + family;
      wide = size.width + 7 + pen.measureText(words).width + 18;
      if (x > EDGE && x + wide > width - EDGE) { x = EDGE; y += 22; }
      if (mark) {
        var made = copy(mark, root);
        made.setAttribute("x", x);
        made.setAttribute("y", y + 9 - size.height / 2);
        made.setAttribute("width", size.width);
        made.setAttribute("height", size.height);
      }
      make(root, "text", { x: x + size.width + 7, y: y + 14, "font-size": 13, fill: ink }, words);
      x += wide;
    });
    return x > EDGE ? y + 24 : y;
  }
  // Reports are white: a dark chart is drawn light for the moment its picture is taken.
  function light(target, then) {
    var root = document.documentElement, before = root.dataset.theme, again = target.wasteflowDraw;
    var dark = window.getComputedStyle(root).getPropertyValue("--sankey-dark").trim() === "1";
    if (!dark) return Promise.resolve().then(then);
    // A chart that a script draws fades in; its bands are not there before.
    function draw() { return again ? again().then(function () { return wait(FADE); }) : Promise.resolve(); }
    root.dataset.theme = "light";
    return draw().then(then).finally(function () {
      if (before) root.dataset.theme = before;
      else delete root.dataset.theme;
      if (again) again();
    });
  }
  function wait(time) {
    return new Promise(function (done) { window.setTimeout(done, time); });
  }
  function png(picture) {
    return new Promise(function (done, failed) {
      var image = new Image();
      image.onload = function () {
        var canvas = document.createElement("canvas");
        canvas.width = picture.width * SCALE;
        canvas.height = picture.height * SCALE;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(function (blob) { if (blob) done(blob); else failed(new Error("no picture")); }, "image/png");
      };
      image.onerror = function () { failed(new Error("no picture")); };
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture.text);
    });
  }
  function save(blob, name) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-picture]");
    if (!button) return;
    var tools = button.closest(".picture-tools"), told = tools.dataset, state = tools.querySelector("[role=status]");
    var target = document.getElementById(told.of), legend = told.legend ? document.getElementById(told.legend) : null;
    var kind = button.dataset.picture;
    button.disabled = true;
    state.textContent = "";
    light(target, function () { return compose(target, told, legend); }).then(function (picture) {
      if (kind === "png") return png(picture);
      return new Blob(['<?xml version="1.0" encoding="UTF-8"?>\n', picture.text], { type: "image/svg+xml" });
    }).then(function (blob) { save(blob, told.file + "." + kind); })
      .catch(function () { state.textContent = told.failed; })
      .finally(function () { button.disabled = false; button.focus(); });
  });
}());
