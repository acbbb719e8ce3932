// The map of links: lines solid, dashed or dotted by kind, break-even circles, firms. Texts are set
// as text, never as HTML.
(function () {
  "use strict";
  var DASHES = { realised: null, potential: "9 7", infeasible: "2 6" };
  var box = document.getElementById("link-map"), state = document.getElementById("link-map-state");
  if (!box || !window.L) return;
  var map = L.map(box, { attributionControl: false, maxZoom: 18, zoomSnap: 0.25, preferCanvas: false });
  map.createPane("wf-ground").style.zIndex = 250;
  map.setView([25, 102.5], 6);
  L.control.scale({ imperial: false }).addTo(map);
  window.wasteflowGround.graticule(map);

  function turned(points) {
    return points.map(function (point) { return [point[1], point[0]]; });
  }
  function tip(words) {
    var found = document.createElement("div");
    words.forEach(function (word, number) {
      var line = document.createElement(number ? "div" : "strong");
      line.textContent = word;
      found.appendChild(line);
    });
    return found;
  }
  function draw(data) {
    var all = L.featureGroup().addTo(map);
    data.parks.forEach(function (park) {
      L.geoJSON(park.outline, { style: { className: "link-park", weight: 1 } })
        .bindTooltip(tip([park.name])).addTo(map);
    });
    data.circles.forEach(function (circle) {
      L.polygon(turned(circle.points), { color: circle.colour, weight: 1.5, fillOpacity: 0.05, smoothFactor: 0.5 })
        .bindTooltip(tip(circle.words), { sticky: true }).addTo(all);
    });
    data.lines.forEach(function (line) {
      L.polyline(turned(line.points), {
        color: line.kind === "infeasible" ? "#8a8f98" : line.colour,
        weight: Math.max(line.kind === "infeasible" ? 1.5 : 2, line.kind === "infeasible" ? 0 : line.width),
        opacity: line.kind === "realised" ? 0.8 : 0.95,
        lineCap: "butt", dashArray: DASHES[line.kind], className: "link-" + line.kind
      }).bindTooltip(tip(line.words), { sticky: true }).addTo(all);
    });
    data.firms.forEach(function (firm) {
      L.circleMarker([firm.at[1], firm.at[0]], { radius: 4, weight: 1.5, className: "link-firm" })
        .bindTooltip(tip([firm.name])).addTo(all);
    });
    var empty = !data.lines.length && !data.circles.length;
    if (!empty) map.fitBounds(all.getBounds(), { padding: [26, 26], maxZoom: 12 });
    state.textContent = empty ? box.dataset.none :
      data.unplaced ? box.dataset.unplaced.replace("{number}", data.unplaced) : "";
    state.hidden = !state.textContent;
  }
  fetch(box.dataset.url, { credentials: "same-origin" })
    .then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    })
    .then(draw)
    .catch(function () { state.textContent = box.dataset.failed; });
}());
