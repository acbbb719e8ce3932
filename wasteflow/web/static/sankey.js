// Draws the Sankey of the page from its JSON; the table beside it holds the same figures.
(function () {
  "use strict";
  var box = document.getElementById("sankey");
  var source = document.getElementById("sankey-data");
  if (!box || !source || !window.Plotly) return;
  var data = JSON.parse(source.textContent);

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function faded(hex, share) {
    var n = parseInt(hex.slice(1), 16);
    return "rgba(" + (n >> 16) + "," + ((n >> 8) & 255) + "," + (n & 255) + "," + share + ")";
  }
  // Names are users' text and plotly reads tags in labels: only characters may pass.
  function plain(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }
  function short(text) {
    var most = box.clientWidth > 1100 ? 36 : 26, width = 0, out = "";
    for (var char of text) {
      width += char.charCodeAt(0) > 255 ? 2 : 1;
      if (width > most) return out + "…";
      out += char;
    }
    return out;
  }
  function draw() {
    var dark = colour("--sankey-dark") === "1";
    var ink = colour("--ink");
    var trace = {
      type: "sankey",
      arrangement: "fixed",
      valueformat: ",.1f",
      valuesuffix: " " + data.texts.unit,
      textfont: { color: ink, size: 13, shadow: "auto" },
      node: {
        label: data.nodes.map(function (node) { return plain(short(node.name)); }),
        customdata: data.nodes.map(function (node) { return plain(node.name); }),
        color: data.nodes.map(function (node) { return colour("--node-" + node.look); }),
        x: data.nodes.map(function (node) { return node.x; }),
        y: data.nodes.map(function (node) { return node.y; }),
        line: { width: 0 },
        // The same gap as in the layout, so that the chart uses the same scale.
        pad: data.gap * (box.clientHeight - 24),
        thickness: 14,
        // No <b>: plotly would set a style attribute, which the policy of the page forbids.
        hovertemplate: "%{customdata}<br>%{value}<extra></extra>"
      },
      link: {
        source: data.links.map(function (link) { return link.source; }),
        target: data.links.map(function (link) { return link.target; }),
        value: data.links.map(function (link) { return link.value; }),
        color: data.links.map(function (link) { return faded(link.colour, dark ? 0.62 : 0.45); }),
        customdata: data.links.map(function (link) {
          return plain(link.text) + (link.loads ? "<br>" + link.loads.toLocaleString() + " " + data.texts.loads : "");
        }),
        hovertemplate: "%{source.customdata} → %{target.customdata}<br>%{customdata}<extra></extra>"
      }
    };
    var layout = {
      margin: { l: 8, r: 8, t: 12, b: 12 },
      paper_bgcolor: colour("--surface"),
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
      hoverlabel: {
        bgcolor: colour("--surface"), bordercolor: colour("--line"),
        font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink }
      }
    };
    box.classList.add("drawn");
    return window.Plotly.react(box, [trace], layout, { displayModeBar: false, responsive: true });
  }

  // A band leads to its loads, a node to its own picture; the table has the same links.
  function follow(event) {
    var at = event.points && event.points[0], list = at && (at.source ? data.links : data.nodes);
    var address = at && list[at.pointNumber] && list[at.pointNumber].address;
    if (address) window.location.assign(address);
  }

  box.textContent = "";
  box.wasteflowDraw = draw;
  draw().then(function () {
    box.on("plotly_click", follow);
    box.dataset.ready = "1";
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
