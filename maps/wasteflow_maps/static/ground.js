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
        if (x > 84 && x < size.x - 60) tag(degrees(at, "E", "W"), "wf-lon", x, 4);
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

  // items: {at: latlng, under: latlng below a park, text, rate, unknown (why there is no rate),
  // kind, weight, from (least zoom)}; spots: {at, size in pixels} of the marks that labels had better not cover
  function labels(map, items, spots) {
    var pane = map.getPane("wf-labels"), pen = document.createElement("canvas").getContext("2d");
    pane.setAttribute("aria-hidden", "true");
    items.sort(function (a, b) { return b.weight - a.weight; });
    function widthOf(item) {
      if (!item.width) {
        var park = item.kind === "park", font = getComputedStyle(document.body).fontFamily;
        pen.font = (park ? "600" : "400") + " 12px " + font;
        var rate = item.unknown ? 22 : item.rate ? pen.measureText("  " + item.rate).width : 0;
        item.width = Math.ceil(pen.measureText(item.text).width + rate) + (park ? 16 : 9);
      }
      return item.width;
    }
    function free(box, taken) {
      return taken.every(function (other) {
        return box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3];
      });
    }
    // Corners (left, top) a label may have, the best first.
    function corners(item, at, width) {
      if (item.kind !== "park") {
        return [[at.x + 9, at.y - 10], [at.x - 9 - width, at.y - 10],
          [at.x - width / 2, at.y - 28], [at.x - width / 2, at.y + 8]];
      }
      var under = map.latLngToContainerPoint(item.under), middle = (at.y + under.y) / 2;
      var half = (under.y - at.y) / 2;
      return [[at.x - width / 2, Math.max(at.y - 24, 24)], [at.x - width / 2, under.y + 4],
        [at.x + half + 8, middle - 10], [at.x - half - 8 - width, middle - 10]];
    }
    function place(item, box) {
      var label = L.DomUtil.create("div", "wf-label wf-label-" + item.kind, pane);
      L.DomUtil.create("span", "", label).textContent = item.text;
      if (item.unknown) L.DomUtil.create("i", "wf-swatch wf-unknown", label).title = item.unknown;
      else if (item.rate) L.DomUtil.create("b", "", label).textContent = item.rate;
      L.DomUtil.setPosition(label, map.containerPointToLayerPoint([box[0], box[1]]).round());
    }
    function draw() {
      // Zoom buttons, north mark and scale keep their corners, the degrees their edges.
      var zoom = map.getZoom(), size = map.getSize(), shown = 0;
      var taken = [[0, 0, 54, 124], [0, size.y - 34, 160, size.y]];
      var frame = map.getContainer(), corner = frame.getBoundingClientRect();
      frame.querySelectorAll(".wf-degrees span").forEach(function (tag) {
        var box = tag.getBoundingClientRect();
        taken.push([box.left - corner.left, box.top - corner.top,
          box.right - corner.left, box.bottom - corner.top]);
      });
      var marks = spots.map(function (spot) {
        // A circle fills its box but for the corners.
        var at = map.latLngToContainerPoint(spot.at), half = Math.max(6, spot.size * 0.85);
        return [at.x - half, at.y - half, at.x + half, at.y + half];
      }).filter(function (box) {
        return box[2] > 0 && box[3] > 0 && box[0] < size.x && box[1] < size.y;
      });
      pane.textContent = "";
      items.forEach(function (item) {
        if (shown >= 160 || zoom < item.from) return;
        var at = map.latLngToContainerPoint(item.at), width = widthOf(item);
        // A park whose upper edge is out of sight still is named while a part of it is seen.
        var low = item.under ? map.latLngToContainerPoint(item.under).y : at.y;
        if (at.x < 0 || low < 24 || at.x > size.x || at.y > size.y) return;
        var boxes = corners(item, at, width).map(function (corner) {
          var left = Math.max(4, Math.min(corner[0], size.x - width - 4));
          var top = Math.max(4, Math.min(corner[1], size.y - 24));
          // A name pushed far from its mark would name another one.
          var most = item.kind === "park" ? width / 2 : 14;
          if (Math.abs(left - corner[0]) > most) return null;
          return [left, top, left + width, top + 20];
        }).filter(function (box) { return box && free(box, taken); });
        var hits = boxes.map(function (box) {
          return marks.filter(function (mark) { return !free(box, [mark]); }).length;
        });
        var least = Math.min.apply(null, hits), box = boxes[hits.indexOf(least)];
        if (!box || least > (item.unknown || !item.weight ? 0 : item.kind === "park" ? 99 : 1)) return;
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
