// Bubbles: flows whose other end has no position, summed at the end that has one.
(function () {
  "use strict";

  // bubbles: [node, way, kg, loads, group, partners, [[partner, kg]], materials, [[material, kg]]]
  function tooltip(data, tools, bubble, index) {
    var month = wasteflowPlay.value("bubble_series", index);
    var T = data.texts, box = document.createElement("div"), add = tools.add;
    var head = add(box, "div", "wf-tip-head");
    add(head, "i", "wf-bubble-key wf-m" + bubble[4] + (bubble[1] ? " wf-way-out" : " wf-way-in"));
    add(head, "strong", "", data.nodes[bubble[0]][0]);
    add(head, "b", "", tools.mass(month ? month[0] : bubble[2]));
    add(box, "p", "wf-tip-note", bubble[1] ? T.partner_out : T.partner_in);
    var table = add(box, "table");
    if (month) tools.row(table, T.in_period, tools.mass(bubble[2]));
    list(T.partners, bubble[5], bubble[6], function (index) { return data.partners[index]; });
    list(T.material, bubble[7], bubble[8], function (index, cell) {
      add(cell, "span", "wf-key wf-m" + data.materials[index][1]);
      return data.materials[index][0];
    });
    tools.row(table, T.loads, tools.grouped(month ? month[1] : bubble[3], 0));
    return box;

    function list(title, count, parts, name) {
      var cell = tools.row(table, title, "");
      parts.forEach(function (part) {
        var line = add(cell, "div");
        line.appendChild(document.createTextNode(name(part[0], line) +
          (count > 1 ? " " + tools.mass(part[1]) : "")));
      });
      if (count > parts.length) {
        add(cell, "div", "wf-tip-more", T.more_of.replace("{count}", tools.grouped(count, 0)));
      }
    }
  }

  // Small screens get smaller circles, on the map and in the scale alike.
  var factor = window.matchMedia("(max-width: 760px)").matches ? 0.6 : 1;
  function radius(data, kg) { return radiusOf(data)(kg, data.largest_bubble); }
  function shrinkScale(data) {
    document.querySelectorAll(".wf-sizes circle").forEach(function (circle) {
      var old = Number(circle.getAttribute("r")), size = Math.max(data.smallest, factor * old);
      var low = Number(circle.getAttribute("cy")) + old, line = circle.nextElementSibling;
      circle.setAttribute("r", size);
      circle.setAttribute("cy", low - size);
      line.setAttribute("d", line.getAttribute("d").replace(/^M34 [\d.]+/, "M34 " + (low - 2 * size)));
    });
  }

  // Largest first, so that a small bubble lies over a large one; `seen` gets every mark.
  function layer(data, tools, seen) {
    var group = L.layerGroup(), canvas = L.svg({ pane: "wf-bubbles", padding: 0.4 });
    if (factor < 1) shrinkScale(data);
    data.bubbles.forEach(function (bubble, index) {
      var node = data.nodes[bubble[0]], size = radius(data, bubble[2]);
      var mark = L.circleMarker([node[2], node[1]], {
        radius: size, weight: size < 8 ? 1.2 : 1.5, pane: "wf-bubbles", renderer: canvas,
        color: data.groups[bubble[4]].colour, fillColor: data.groups[bubble[4]].colour,
        className: "wf-bubble wf-m" + bubble[4] + " " + (bubble[1] ? "wf-way-out" : "wf-way-in") + (size < 8 ? " wf-tiny" : ""),
        bubble: bubble });
      tools.tip(mark, function () { return tooltip(data, tools, bubble, index); },
        { offset: [Math.round(size), 0] });
      tools.watch(mark, function () { return [mark]; });
      seen(bubble[0], mark);
      group.addLayer(mark);
    });
    return group;
  }

  // (kg, largest) → radius in pixels, as the bubbles were drawn.
  function radiusOf(data) {
    return function (kg, largest) {
      return Math.max(data.smallest, factor * data.biggest * Math.sqrt(kg / Math.max(largest, 1)));
    };
  }

  window.wasteflowBubbles = { layer: layer, radius: radiusOf };
})();
