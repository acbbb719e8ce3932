// Draws the layers of a flow map out of the JSON in #wf-data, or at its data-src; every text of a
// user goes in as text.
(function () {
  "use strict";
  var data = null, T = null, zh = false;
  var Line = null, lines = [], byNode = {}, map = null, groups = {}, pinned = [], hot = [];
  var bubbles = [], ownBubbles = {};

  function grouped(value, places) {
    return value.toLocaleString("en-US",
      { minimumFractionDigits: places, maximumFractionDigits: places });
  }
  function mass(kg) {
    var t = kg / 1000, unit = zh ? " 吨" : " t";
    if (zh && t >= 1e4) return grouped(t / 1e4, 2) + " 万吨";
    if (t >= 1e4) return grouped(t, 0) + unit;
    if (t >= 100) return grouped(t, 1) + unit;
    return t.toLocaleString("en-US", { maximumFractionDigits: 3 }) + unit;
  }
  function add(parent, tag, className, text) {
    var element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  }
  function row(table, name, value) {
    var line = add(table, "tr");
    add(line, "th", "", name).scope = "row";
    return add(line, "td", "", value);
  }
  function width(kg) {
    return Math.max(data.thinnest, data.widest * Math.sqrt(kg / Math.max(data.largest, 1)));
  }

  // links: [source, target, material, kg, loads, km, [[route, kg, loads]], [[grade, share %]]]
  function groupOf(link) { return data.materials[link[2]][1]; }
  function linkTip(link, index) {
    var month = wasteflowPlay.value("series", index);
    var box = document.createElement("div"), material = data.materials[link[2]];
    var head = add(box, "div", "wf-tip-head");
    add(head, "span", "wf-key wf-m" + material[1]);
    add(head, "strong", "", material[0]);
    add(head, "b", "", mass(month ? month[0] : link[3]));
    var table = add(box, "table");
    if (month) row(table, T.in_period, mass(link[3]));
    row(table, T.from, data.nodes[link[0]][0]);
    row(table, T.to, data.nodes[link[1]][0]);
    link[6].forEach(function (part) {
      var name = data.routes[part[0]] || T.other_route;
      row(table, T.route, link[6].length > 1 ? name + " " + mass(part[1]) : name);
    });
    row(table, T.loads, grouped(month ? month[1] : link[4], 0));
    if (link[5] !== null) row(table, T.distance, grouped(link[5], 1) + " km");
    if (link[7].length) {
      row(table, T.evidence, link[7].map(function (part) {
        return data.grades[part[0]] + " " + (part[1] || "<1") + " %";
      }).join(zh ? "，" : ", "));
    }
    return box;
  }
  // The page that lists the loads of a link, of the month shown or of the whole period.
  function rowsOf(link) {
    var url = new URL(source.dataset.rows, window.location.href), month = wasteflowPlay.month();
    url.searchParams.set("source", data.codes[link[0]]);
    url.searchParams.set("target", data.codes[link[1]]);
    url.searchParams.set("material", data.material_codes[link[2]]);
    if (month) url.searchParams.set("period", month);
    return url.href;
  }
  function card(link, index, at) {
    var box = linkTip(link, index), way = add(box, "a", "wf-see", T.see_loads);
    way.href = rowsOf(link);
    way.target = "_top";
    var popup = L.popup({ className: "wf-card wf-tip", maxWidth: 360, autoPanPadding: [20, 60] });
    popup.setLatLng(at).setContent(box).openOn(map);
    var close = popup.getElement().querySelector(".leaflet-popup-close-button");
    close.setAttribute("aria-label", T.close);
    close.title = T.close;
  }
  function nodeTip(index) {
    var node = data.nodes[index], sums = {}, box = document.createElement("div");
    add(add(box, "div", "wf-tip-head"), "strong", "", node[0]);
    var table = add(box, "table");
    if (node[4]) row(table, T.parks, node[4]);
    (byNode[index] || []).forEach(function (line) {
      var link = line.options.link, way = link[0] === index ? 0 : 1, key = way + ":" + link[2];
      sums[key] = (sums[key] || 0) + link[3];
    });
    Object.keys(sums).sort().forEach(function (key) {
      var part = key.split(":"), cell = row(table, part[0] === "0" ? T.out : T["in"], "");
      add(cell, "span", "wf-key wf-m" + data.materials[part[1]][1]);
      cell.appendChild(document.createTextNode(
        data.materials[part[1]][0] + " " + mass(sums[key])));
    });
    (ownBubbles[index] || []).forEach(function (mark) {
      var bubble = mark.options.bubble;
      row(table, bubble[1] ? T.partner_out : T.partner_in, mass(bubble[2]));
    });
    if (node[5]) row(table, T.precision, "± " + node[5] + " km");
    return box;
  }
  function parkTip(park) {
    var box = document.createElement("div");
    [park].concat(park.members).forEach(function (one, index) {
      if (index === 0) add(add(box, "div", "wf-tip-head"), "strong", "", one.name);
      var table = index < 2 ? add(box, "table") : box.lastChild;
      var value = one.cls === null ? T.not_computable + (zh ? "：" : ": ") + one.reason : one.rate;
      row(table, index === 0 ? T.rate_scale : one.name, value);
    });
    return box;
  }

  // Only what changes is touched, and nothing while the map is dragged over the lines.
  function heat(lit) {
    map.getContainer().classList.toggle("wf-hover", lit.length > 0);
    hot.forEach(function (line) { if (line._path) line._path.classList.remove("wf-hot"); });
    lit.forEach(function (line) { if (line._path) line._path.classList.add("wf-hot"); });
    hot = lit;
  }
  function moving() { return map.dragging && map.dragging.moving(); }
  function watch(layer, own) {
    layer.on("mouseover", function () { if (!moving()) heat(own()); });
    layer.on("mouseout", function () { if (!moving()) heat(pinned); });
  }
  function tip(layer, make, options) {
    layer.bindTooltip(make, L.extend({ sticky: true, className: "wf-tip", opacity: 1 }, options));
    layer.on("click", function (event) {
      if (!options || !options.card || !source.dataset.rows) { layer.openTooltip(event.latlng); return; }
      layer.closeTooltip();
      options.card(event.latlng);
      L.DomEvent.stopPropagation(event);
    });
  }

  // Arcs of one material, or of the group of all small ones.
  function arcs(which) {
    var group = L.geoJSON(null);
    var canvas = L.svg({ pane: "wf-arcs", padding: 0.4 });
    data.links.forEach(function (link, index) {
      if (groupOf(link) !== which) return;
      var a = data.nodes[link[0]], b = data.nodes[link[1]], wide = width(link[3]);
      var size = wide < 3 ? "s" : wide < 7 ? "m" : "l";
      var line = new Line(
        wasteflowArcs.arc(a[1], a[2], b[1], b[2], data.groups[which].bend)
          .map(function (p) { return [p[1], p[0]]; }),
        { weight: wide, color: data.groups[which].colour, opacity: 0.82, pane: "wf-arcs",
          renderer: canvas, className: "wf-arc wf-m" + which, lineCap: "butt", arrow: size, link: link, index: index, group: which,
          trim: { s: 14, m: 19, l: 27 }[size] });
      line.feature = { type: "Feature", properties: { material: which, kg: link[3] } };
      tip(line, function () { return linkTip(link, index); },
        { card: function (at) { pinned = [line]; heat(pinned); card(link, index, at); } });
      watch(line, function () { return [line]; });
      [link[0], link[1]].forEach(function (end) { (byNode[end] = byNode[end] || []).push(line); });
      lines.push(line);
      group.addLayer(line);
    });
    return group;
  }
  function points() {
    var group = L.layerGroup();
    data.nodes.forEach(function (node, index) {
      var busy = Boolean(byNode[index]), small = data.nodes.length > 150;
      // A bubble is a mark already; of very many firms without a flow a dot must do.
      if (!busy && ownBubbles[index] && !node[3]) return;
      var mark = L.circleMarker([node[2], node[1]], {
        radius: node[3] ? 6 : busy ? 5 : small ? 2 : 3.5, weight: small && !busy ? 1 : 1.5,
        pane: small && !busy ? "wf-idle" : "wf-points",
        className: "wf-point" + (busy ? "" : " wf-idle") + (node[3] ? " wf-hub" : "") });
      tip(mark, function () { return nodeTip(index); }, { sticky: false });
      watch(mark, function () { return (byNode[index] || []).concat(ownBubbles[index] || []); });
      group.addLayer(mark);
    });
    return group;
  }
  function parks() {
    var group = L.layerGroup();
    data.parks.forEach(function (park) {
      var style = { className: "wf-park " + (park.shape ? "" : "wf-rough ") +
          (park.cls === null ? "wf-unknown" : "wf-r" + park.cls),
        weight: 1.5, fillOpacity: 1, pane: "wf-parks" };
      var area = park.shape
        ? L.geoJSON(park.shape, { style: function () { return style; }, pane: "wf-parks" })
        : L.circle([park.lat, park.lon], L.extend({ radius: park.km * 1000 }, style));
      park.area = area;
      tip(area, function () { return parkTip(park); });
      group.addLayer(area);
    });
    return group;
  }

  var tools = { add: add, row: row, mass: mass, grouped: grouped, tip: tip, watch: watch };
  function keepBubble(node, mark) {
    bubbles.push(mark);
    (ownBubbles[node] = ownBubbles[node] || []).push(mark);
  }
  function layer(onMap, what) {
    if (!map) begin(onMap);
    groups[what] = what === "parks" ? parks() : what === "points" ? points()
      : what === "bubbles" ? wasteflowBubbles.layer(data, tools, keepBubble) : arcs(what);
    return groups[what];
  }
  function begin(onMap) {
    map = onMap;
    Line = wasteflowArcs.lineClass(L);
    [["wf-ground", 210], ["wf-parks", 300], ["wf-idle", 404], ["wf-bubbles", 405], ["wf-arcs", 410], ["wf-points", 450],
      ["wf-labels", 460]].forEach(function (pane) {
      map.createPane(pane[0]).style.zIndex = pane[1];
    });
    map.getPane("wf-labels").style.pointerEvents = "none";
    // No flag, no link out: only what the operator of a basemap must be credited for.
    if (map.attributionControl) map.attributionControl.setPrefix(false);
    L.control.zoom({ zoomInTitle: T.zoom_in, zoomOutTitle: T.zoom_out }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomleft", maxWidth: 140 }).addTo(map);
    var north = L.control({ position: "topleft" });
    north.onAdd = function () {
      var mark = L.DomUtil.create("div", "wf-north");
      mark.setAttribute("aria-hidden", "true");
      add(mark, "span", "", "▲");
      add(mark, "span", "", "N");
      return mark;
    };
    north.addTo(map);
  }

  function view(bounds) {
    if (!bounds) return;
    map.fitBounds([[bounds[1], bounds[0]], [bounds[3], bounds[2]]],
      { paddingTopLeft: [52, 44], paddingBottomRight: [52, 40], maxZoom: 12, animate: false });
  }
  function showLink(index) {
    var link = data.links[index];
    var line = lines.filter(function (one) { return one.options.link === link; })[0];
    if (!map.hasLayer(groups[groupOf(link)])) map.addLayer(groups[groupOf(link)]);
    pinned = [line];
    map.fitBounds(line.getBounds(), { padding: [60, 60], maxZoom: 12, animate: false });
    heat(pinned);
    if (source.dataset.rows) card(link, index, line.getLatLngs()[20]);
    else line.openTooltip(line.getLatLngs()[20]);
  }
  function showBubble(index) {
    var mark = bubbles[index];
    if (!map.hasLayer(groups.bubbles)) map.addLayer(groups.bubbles);
    pinned = [mark];
    map.setView(mark.getLatLng(), Math.max(map.getZoom(), 9), { animate: false });
    heat(pinned);
    mark.openTooltip(mark.getLatLng());
  }
  function showPark(index) {
    var park = data.parks[index];
    map.fitBounds(park.area.getBounds(), { padding: [30, 30], maxZoom: 12, animate: false });
    park.area.openTooltip(park.area.getBounds().getCenter());
  }
  function panel(control) {
    var box = document.getElementById("wf-panel"), slot = document.getElementById("wf-layers");
    slot.appendChild(control.getContainer());
    if (window.matchMedia("(max-width: 760px)").matches) box.open = false;
    box.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (!button) return;
      if (window.matchMedia("(max-width: 760px)").matches) box.open = false;
      if (button.dataset.link) showLink(Number(button.dataset.link));
      else if (button.dataset.bubble) showBubble(Number(button.dataset.bubble));
      else if (button.dataset.park) showPark(Number(button.dataset.park));
      else { pinned = []; heat([]); view(data.views[button.dataset.view]); }
    });
  }
  function start(control) {
    map.invalidateSize();
    view(data.views.main);
    panel(control);
    map.on("click", function () { pinned = []; heat([]); });
    map.on("dragend", function () { heat(pinned); });
    wasteflowGround.graticule(map);
    var marks = data.parks.map(function (park) {
      return { at: [park.top, park.lon], under: [park.bottom, park.lon], text: park.name,
        kind: "park", weight: (park.cls === null ? 0 : 1e15) + park.weight, rate: park.rate, from: 0,
        unknown: park.cls === null ? T.not_computable + (zh ? "：" : ": ") + park.reason : "" };
    });
    var spots = [];
    data.nodes.forEach(function (node, index) {
      var own = ownBubbles[index] || [], arms = byNode[index] || [];
      var kg = arms.reduce(function (sum, line) { return sum + line.options.link[3]; }, 0);
      kg = own.reduce(function (sum, mark) { return sum + mark.options.bubble[2]; }, kg);
      var size = own.reduce(function (most, mark) { return Math.max(most, mark.getRadius()); }, 6);
      if (kg) spots.push({ at: [node[2], node[1]], size: size });
      if (!node[3]) {
        marks.push({ at: [node[2], node[1]], text: node[0], kind: "firm", weight: kg, from: 10 });
      }
    });
    wasteflowGround.labels(map, marks, spots);
    wasteflowPlay.start({ data: data, map: map, groups: groups, lines: lines, marks: bubbles,
      tools: { mass: mass, grouped: grouped, radius: wasteflowBubbles.radius(data) } });
    document.documentElement.dataset.ready = "true";
  }

  function take(found) {
    data = found;
    T = data.texts;
    zh = data.lang === "zh";
    window.wasteflow.data = data;
  }
  // Runs `draw` when the data has come; a page that does not come says so.
  function ready(draw) {
    var note = document.getElementById("wf-loading");
    fetch(source.dataset.src, { credentials: "same-origin" }).then(function (response) {
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    }).then(function (found) {
      take(found);
      draw();
      note.remove();
    }).catch(function () { note.textContent = note.dataset.failed; });
  }

  var source = document.getElementById("wf-data");
  window.wasteflow = { layer: layer, start: start, ready: ready, mass: mass, width: width };
  if (!source.dataset.src) take(JSON.parse(source.textContent));
})();
