// The ground of the map: graticule with its degrees, and labels that never cover each other.
(function () {
  "use strict";
  var MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

  function degrees(minutes, positive, negative) {
    var size = Math.abs(minutes), whole = Math.floor(size / 60), rest = Math.round(size % 60);
    return whole + "°" + (rest ? (rest < 10 ? "0" : "") + rest + "′" : "") +
      (minutes < 0 ? negative : positive);
  }

  function graticule(map) {
    var group = L.layerGroup().addTo(map), frame = map.getContainer();
    var edge = L.DomUtil.create("div", "wf-degrees", frame);
    edge.setAttribute("aria-hidden", "true");
    function tag(text, kind, x, y) {
      var label = L.DomUtil.create("span", kind, edge);
      label.textContent = text;
      label.style.left = x + "px";
      label.style.top = y + "px";
    }
    function draw() {
      var view = map.getBounds().pad(0.4), size = map.getSize(), at;
      var span = Math.max(map.getBounds().getEast() - map.getBounds().getWest(), 1e-6) * 60;
      var wish = span / Math.max(2, size.x / 190);
      var step = MINUTES.filter(function (m) { return m >= wish; })[0] || 600;
      group.clearLayers();
      edge.textContent = "";
      var style = { pane: "wf-ground", className: "wf-graticule", interactive: false, weight: 1 };
      for (at = Math.ceil(view.getWest() * 60 / step) * step; at <= view.getEast() * 60; at += step) {
        L.polyline([[view.getSouth(), at / 60], [view.getNorth(), at / 60]], style).addTo(group);
        var x = map.latLngToContainerPoint([map.getCenter().lat, at / 60]).x;
        if (x > 60 && x < size.x - 60) tag(degrees(at, "E", "W"), "wf-lon", x, 4);
      }
      for (at = Math.ceil(view.getSouth() * 60 / step) * step; at <= view.getNorth() * 60; at += step) {
        L.polyline([[at / 60, view.getWest()], [at / 60, view.getEast()]], style).addTo(group);
        var y = map.latLngToContainerPoint([at / 60, map.getCenter().lng]).y;
        if (y > 30 && y < size.y - 70) tag(degrees(at, "N", "S"), "wf-lat", size.x - 4, y);
      }
    }
    map.on("moveend resize", draw);
    draw();
  }

  // items: {at: latlng, text, rate, kind, weight, from (least zoom), shift (pixels right)}
  function labels(map, items) {
    var pane = map.getPane("wf-labels"), pen = document.createElement("canvas").getContext("2d");
    pane.setAttribute("aria-hidden", "true");
    items.sort(function (a, b) { return b.weight - a.weight; });
    function widthOf(item) {
      if (!item.width) {
        pen.font = "600 12px system-ui, sans-serif";
        item.width = pen.measureText(item.text + (item.rate ? "  " + item.rate : "")).width + 14;
      }
      return item.width;
    }
    function free(box, taken) {
      return taken.every(function (other) {
        return box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3];
      });
    }
    function place(item, box) {
      var label = L.DomUtil.create("div", "wf-label wf-label-" + item.kind, pane);
      var name = L.DomUtil.create("span", "", label);
      name.textContent = item.text;
      if (item.rate) {
        var rate = L.DomUtil.create("b", "", label);
        rate.textContent = item.rate;
      }
      L.DomUtil.setPosition(label, map.containerPointToLayerPoint([box[0], box[1]]).round());
    }
    function draw() {
      // The zoom buttons and the north mark keep their corner.
      var zoom = map.getZoom(), size = map.getSize(), taken = [[0, 0, 54, 124]], shown = 0;
      pane.textContent = "";
      items.forEach(function (item) {
        if (shown >= 160 || zoom < item.from) return;
        var at = map.latLngToContainerPoint(item.at), width = widthOf(item);
        if (at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y) return;
        var left = item.kind === "park" ? at.x - width / 2 : at.x + 9;
        left = Math.max(4, Math.min(left, size.x - width - 4));
        var top = Math.max(4, item.kind === "park" ? at.y - 24 : at.y - 10);
        var box = [left, top, left + width, top + 20];
        if (!free(box, taken)) return;
        taken.push(box);
        shown += 1;
        place(item, box);
      });
      pane.classList.remove("wf-away");
    }
    map.on("zoomstart", function () { pane.classList.add("wf-away"); });
    map.on("moveend resize", draw);
    draw();
  }

  window.wasteflowGround = { graticule: graticule, labels: labels };
})();
