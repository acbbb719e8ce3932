// The map as it is seen, as a picture for a report: SVG or PNG, white like paper whatever the page
// is, with title, scope of time, evidence date, scale, legend, credits and what is not drawn.
// Built from what Leaflet has drawn; nothing is asked for.
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg", EDGE = 24, SCALE = 2;
  var INK = "#17212b", SOFT = "#4c5965", PAPER = "#f3f5f1", HALO = "#f3f5f1", DEEP = "#17734f";
  var paper = document.implementation.createDocument(SVG, "svg", null);
  var pen = document.createElement("canvas").getContext("2d");
  var family = "";

  function make(parent, tag, values, text) {
    var made = paper.createElementNS(SVG, tag);
    Object.keys(values || {}).forEach(function (name) { made.setAttribute(name, values[name]); });
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }
  function round(number) { return Math.round(number * 10) / 10; }
  function each(list, act) { Array.prototype.forEach.call(list, act); }
  function said(selector) {
    var found = document.querySelector(selector);
    return found ? found.textContent.replace(/\s+/g, " ").trim() : "";
  }
  function wide(text, size, weight) {
    pen.font = weight + " " + size + "px " + family;
    return pen.measureText(text).width;
  }
  function write(root, x, y, text, size, weight, colour, more) {
    var values = { x: round(x), y: round(y), "font-size": size, "font-weight": weight, fill: colour };
    Object.keys(more || {}).forEach(function (name) { values[name] = more[name]; });
    return make(root, "text", values, text);
  }
  function haloed(root, x, y, text, size, weight, colour, more) {
    var values = { "paint-order": "stroke", stroke: HALO, "stroke-width": 3, "stroke-linejoin": "round" };
    Object.keys(more || {}).forEach(function (name) { values[name] = more[name]; });
    return write(root, x, y, text, size, weight, colour, values);
  }
  function tone(element) { return window.getComputedStyle(element).getPropertyValue("--c").trim() || SOFT; }

  // --- what Leaflet drew --------------------------------------------------------------------
  // An arrow takes the colour of its line; readers other than browsers know no context-stroke.
  function arrow(defs, path, colour, known) {
    var name = /wf-arrow-(\w)/.exec(path.getAttribute("marker-end") || "");
    if (!name) return "";
    var id = "arrow-" + name[1] + "-" + colour.replace(/[^0-9a-z]/gi, "");
    if (!known[id]) {
      var size = document.getElementById("wf-arrow-" + name[1]).getAttribute("markerWidth");
      var made = make(defs, "marker", { id: id, viewBox: "0 0 10 10", refX: 0.5, refY: 5, markerWidth: size,
        markerHeight: size, markerUnits: "userSpaceOnUse", orient: "auto" });
      make(made, "path", { d: "M0 0.6 L10 5 L0 9.4 Z", fill: colour });
      known[id] = true;
    }
    return "url(#" + id + ")";
  }
  function look(path, defs, known) {
    var has = path.classList, colour = tone(path), none = has.contains("wf-none");
    if (has.contains("wf-graticule")) return { fill: "none", stroke: "#d5dcd6", "stroke-width": 1 };
    if (has.contains("wf-park")) {
      var hatched = has.contains("wf-unknown"), rough = has.contains("wf-rough");
      return { fill: hatched ? "url(#hatch)" : colour, "fill-opacity": hatched ? (rough ? 0.38 : 0.75) : rough ? 0.65 : 0.8,
        stroke: "#456455", "stroke-opacity": 0.4, "stroke-width": 1.5, "stroke-dasharray": rough ? "4 4" : "none" };
    }
    if (has.contains("wf-arc")) {
      var values = { fill: "none", stroke: colour, "stroke-width": path.getAttribute("stroke-width"),
        "stroke-opacity": none ? 0.22 : 0.82, "stroke-dasharray": none ? "2 4" : "none" };
      if (!none) values["marker-end"] = arrow(defs, path, colour, known) || "none";
      return values;
    }
    if (has.contains("wf-bubble")) {
      return { fill: colour, "fill-opacity": none ? 0.05 : has.contains("wf-way-out") ? 0.12 : 0.36, stroke: colour,
        "stroke-opacity": none ? 0.3 : 1, "stroke-width": 1.5, "stroke-dasharray": "4 3" };
    }
    if (has.contains("wf-point")) {
      var idle = has.contains("wf-idle");
      return { fill: idle ? "#ffffff" : INK, stroke: idle ? SOFT : "#ffffff", "stroke-width": has.contains("wf-hub") ? 2.5 : 1.5 };
    }
    return null;
  }
  // Every renderer of Leaflet is an SVG of its own, moved by its pane and by itself.
  function drawn(root, box, defs) {
    var known = {}, panes = document.querySelectorAll(".leaflet-map-pane .leaflet-pane");
    var order = Array.prototype.slice.call(panes).sort(function (a, b) {
      return Number(window.getComputedStyle(a).zIndex) - Number(window.getComputedStyle(b).zIndex);
    });
    order.forEach(function (pane) {
      each(pane.children, function (canvas) {
        if (canvas.localName !== "svg") return;
        var at = canvas.getBoundingClientRect(), view = canvas.viewBox.baseVal;
        var group = make(root, "g", { transform: "translate(" + round(at.left - box.left - view.x) + " " + round(at.top - box.top - view.y) + ")" });
        each(canvas.querySelectorAll("path"), function (path) {
          var values = look(path, defs, known);
          if (!values || !path.getAttribute("d") || path.getAttribute("d") === "M0 0") return;
          values.d = path.getAttribute("d");
          make(group, "path", values);
        });
      });
    });
  }
  function words(root, box) {
    each(document.querySelectorAll(".wf-degrees span"), function (tag) {
      var at = tag.getBoundingClientRect();
      haloed(root, at.left - box.left + 3, at.top - box.top + 12, tag.textContent, 11, 400, "#56645c");
    });
    each(document.querySelectorAll(".wf-label"), function (label) {
      var at = label.getBoundingClientRect(), park = label.classList.contains("wf-label-park"), rate = label.querySelector("b");
      var x = at.left - box.left + (park ? 7 : 4), y = at.top - box.top + 14, name = label.firstChild.textContent;
      haloed(root, x, y, name, 12, park ? 600 : 400, INK);
      if (rate) haloed(root, x + wide(name, 12, 600) + 6, y, rate.textContent, 12, 700, DEEP);
    });
    var line = document.querySelector(".leaflet-control-scale-line");
    if (line) {
      var at = line.getBoundingClientRect(), x = at.left - box.left, y = at.bottom - box.top;
      make(root, "path", { d: "M" + round(x) + " " + round(y - 6) + "v6h" + round(at.width) + "v-6", fill: "none", stroke: INK, "stroke-width": 2 });
      haloed(root, x + 5, y - 5, line.textContent, 11, 400, INK);
    }
  }

  // --- the legend under it -------------------------------------------------------------------
  // One row of marks with words; what does not fit goes to the next line.
  function row(root, title, items, y, width) {
    if (!items.length) return y;
    var x = EDGE + wide(title, 12.5, 650) + 14, from = x;
    write(root, EDGE, y + 14, title, 12.5, 650, INK);
    items.forEach(function (item) {
      var room = item.room + 7 + wide(item.text, 12.5, 400) + 18;
      if (x > from && x + room > width - EDGE) { x = from = EDGE + 16; y += 22; }
      item.draw(x, y + 10);
      write(root, x + item.room + 7, y + 14, item.text, 12.5, 400, INK);
      x += room;
    });
    return y + 25;
  }
  function bar(root, colour) {
    return { room: 18, draw: function (x, y) { make(root, "rect", { x: x, y: y - 3, width: 18, height: 6, rx: 3, fill: colour }); } };
  }
  function legend(root, y, width) {
    var materials = [], rates = [], widths = [], sizes = [], T = window.wasteflow.data.texts;
    each(document.querySelectorAll("#wf-layers label"), function (label) {
      var key = label.querySelector(".wf-key"), on = label.querySelector("input");
      if (!key || !on || !on.checked) return;
      var item = bar(root, tone(key));
      item.text = label.querySelector(".wf-name").textContent + " " + label.querySelector(".wf-sum").textContent;
      materials.push(item);
    });
    each(document.querySelectorAll(".wf-widths li"), function (step) {
      var px = Number(step.querySelector("line").getAttribute("stroke-width"));
      widths.push({ room: 34, text: step.querySelector("span").textContent.trim(), draw: function (x, at) {
        make(root, "line", { x1: x, x2: x + 34, y1: at, y2: at, stroke: SOFT, "stroke-width": px });
      } });
    });
    each(document.querySelectorAll(".wf-sizes circle"), function (circle) {
      var r = Number(circle.getAttribute("r")), text = circle.parentNode.querySelectorAll("text")[sizes.length];
      sizes.push({ room: 2 * r, text: text ? text.textContent : "", draw: function (x, at) {
        make(root, "circle", { cx: x + r, cy: at, r: r, fill: SOFT, "fill-opacity": 0.18, stroke: SOFT, "stroke-width": 1.2, "stroke-dasharray": "4 3" });
      } });
    });
    if (document.querySelector(".wf-park")) {
      each(document.querySelectorAll(".wf-rates li"), function (line) {
        var swatch = line.querySelector(".wf-swatch"), hatch = swatch.classList.contains("wf-unknown");
        rates.push({ room: 16, text: line.textContent.trim(), draw: function (x, at) {
          make(root, "rect", { x: x, y: at - 6, width: 16, height: 12, rx: 3, fill: hatch ? "url(#hatch)" : tone(swatch), stroke: "#9aa8a1" });
        } });
      });
    }
    y = row(root, T.picture_materials, materials, y, width);
    y = row(root, said(".wf-widths") ? document.querySelector(".wf-widths").previousElementSibling.textContent : "", widths, y, width);
    var tall = Math.max.apply(null, [0].concat(sizes.map(function (item) { return item.room; })));
    if (sizes.length && document.querySelector("path.wf-bubble")) {
      y = row(root, said(".wf-partners h2"), sizes, y + Math.max(0, tall / 2 - 11), width) + Math.max(0, tall / 2 - 11);
    }
    return row(root, T.rate_scale, rates, y, width);
  }
  function lines(text, size, weight, width) {
    var found = [], line = "";
    (text.match(/[\x21-\x7e\u00a0-\u024f]+\s*|\s+|[^\x21-\x7e\s]/g) || []).forEach(function (part) {
      if (line && wide(line + part, size, weight) > width) { found.push(line); line = ""; }
      line += part;
    });
    if (line.trim()) found.push(line);
    return found;
  }
  function notes() {
    var T = window.wasteflow.data.texts, found = [], credit = said(".leaflet-control-attribution");
    var formula = said(".wf-rates") ? document.querySelector(".wf-rates").previousElementSibling.textContent.trim() : "";
    if (formula) found.push(T.rate_scale + T.picture_colon + formula);
    each(document.querySelectorAll("[data-picture-note]"), function (note) { found.push(note.textContent.trim()); });
    var missing = [];
    each(document.querySelectorAll(".wf-list[data-why] summary"), function (line) {
      missing.push(line.querySelector(".wf-name").textContent + " " + line.querySelector("b").textContent);
    });
    if (missing.length) found.push(T.picture_missing + T.picture_colon + missing.join(T.picture_stop));
    if (credit) found.push(T.picture_no_tiles.replace("{credit}", credit));
    found.push(T.picture_grid + " " + T.picture_made.replace("{date}",
      new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date())));
    return found;
  }

  // The whole picture as SVG text; the scope is known to the page around the map.
  function compose(where) {
    family = window.getComputedStyle(document.body).fontFamily;
    var box = document.querySelector(".leaflet-container").getBoundingClientRect();
    var width = Math.ceil(box.width) + 2 * EDGE, y = EDGE;
    var root = make(null, "svg", { xmlns: SVG, "font-family": family, width: width });
    var ground = make(root, "rect", { x: 0, y: 0, width: width, fill: "#ffffff" }), title = said(".wf-head h1");
    var defs = make(root, "defs"), clip = make(defs, "clipPath", { id: "frame" });
    var hatch = make(defs, "pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    make(hatch, "rect", { width: 7, height: 7, fill: "#e4e7e6" });
    make(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 7, stroke: "#98a4a0", "stroke-width": 2 });
    make(clip, "rect", { x: 0, y: 0, width: round(box.width), height: round(box.height) });
    make(root, "title", {}, title);
    [["▲", 14], ["N", 28]].forEach(function (part) {
      write(root, width - EDGE - 10, EDGE + part[1], part[0], 13, 700, SOFT, { "text-anchor": "middle" });
    });
    function tell(text, size, weight, colour) {
      lines(text, size, weight, width - 2 * EDGE).forEach(function (line) {
        y += size;
        write(root, EDGE, y, line, size, weight, colour);
        y += Math.round(size * 0.4);
      });
    }
    tell(title, 20, 650, INK);
    if (where) tell(where, 14, 400, SOFT);
    var facts = [];
    each(document.querySelectorAll(".wf-head dl div"), function (fact) {
      facts.push(fact.querySelector("dt").textContent.trim() + " " + fact.querySelector("dd").textContent.replace(/\s+/g, " ").trim());
    });
    tell(facts.join(" · "), 14, 400, SOFT);
    if (said(".wf-synthetic")) tell(said(".wf-synthetic"), 13, 650, "#6b4700");
    y += 8;
    var map = make(root, "g", { transform: "translate(" + EDGE + " " + y + ")", "clip-path": "url(#frame)" });
    make(map, "rect", { x: 0, y: 0, width: round(box.width), height: round(box.height), fill: PAPER });
    drawn(map, box, defs);
    words(map, box);
    make(root, "rect", { x: EDGE, y: y, width: round(box.width), height: round(box.height), fill: "none", stroke: "#c3ccc7" });
    y = legend(root, y + box.height + 14, width) + 2;
    notes().forEach(function (note) { tell(note, 12, 400, SOFT); });
    y = Math.ceil(y + EDGE - 8);
    ground.setAttribute("height", y);
    root.setAttribute("height", y);
    root.setAttribute("viewBox", "0 0 " + width + " " + y);
    return { text: new XMLSerializer().serializeToString(root), width: width, height: y };
  }
  function png(picture) {
    return new Promise(function (done, failed) {
      var image = new Image(), scale = picture.width < 700 ? 3 : SCALE;
      image.onload = function () {
        var canvas = document.createElement("canvas");
        canvas.width = picture.width * scale;
        canvas.height = picture.height * scale;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(function (blob) { if (blob) done(blob); else failed(new Error("no picture")); }, "image/png");
      };
      image.onerror = function () { failed(new Error("no picture")); };
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture.text);
    });
  }
  function save(kind, told) {
    var picture = compose(told.where || "");
    var file = kind === "png" ? png(picture)
      : Promise.resolve(new Blob(['<?xml version="1.0" encoding="UTF-8"?>\n', picture.text], { type: "image/svg+xml" }));
    return file.then(function (blob) {
      var link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = (told.file || "wasteflow-map-" + said("#wf-period").replace(/[\\/:*?"<>|\s]+/g, "-")) + "." + kind;
      link.click();
      window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-map-picture]"), state = document.getElementById("wf-picture-state");
    if (!button || !window.wasteflow.data) return;
    event.stopPropagation();
    button.disabled = true;
    state.textContent = "";
    save(button.dataset.mapPicture, {}).catch(function () { state.textContent = state.dataset.failed; })
      .finally(function () { button.disabled = false; button.focus(); });
  }, true);
  // The page around the map asks by a message and names scope and file.
  window.addEventListener("message", function (event) {
    var asked = event.data;
    if (event.source !== window.parent || event.origin !== window.location.origin || window.parent === window) return;
    if (!asked || asked.wasteflow !== "picture" || (asked.kind !== "png" && asked.kind !== "svg") || !window.wasteflow.data) return;
    function answer(failed) { window.parent.postMessage({ wasteflow: "picture", failed: failed }, window.location.origin); }
    save(asked.kind, { where: String(asked.where || ""), file: String(asked.file || "") })
      .then(function () { answer(false); }, function () { answer(true); });
  });
}());
