// Month and hidden layers of the map in the frame, kept in the address of the page around it; and
// the picture of the map, which the frame makes.
(function () {
  "use strict";
  var frame = document.getElementById("map-frame"), form = document.querySelector("form.filters");
  if (!frame) return;
  var tools = document.querySelector(".map-picture"), busy = null;

  function told(failed) {
    if (busy) { busy.disabled = false; busy.focus(); }
    busy = null;
    tools.querySelector("[role=status]").textContent = failed ? tools.dataset.failed : "";
  }
  if (tools) {
    tools.hidden = false;
    tools.addEventListener("click", function (event) {
      var button = event.target.closest("button[data-map-picture]");
      if (!button || busy) return;
      busy = button;
      button.disabled = true;
      frame.contentWindow.postMessage({ wasteflow: "picture", kind: button.dataset.mapPicture,
        where: tools.dataset.where, file: tools.dataset.file }, window.location.origin);
      // A frame that has not come cannot answer.
      window.setTimeout(function () { if (busy === button) told(true); }, 15000);
    });
  }

  // A form sends hidden fields; one that is not there yet is made.
  function field(name, value) {
    var box = form && form.querySelector('input[type="hidden"][name="' + name + '"]');
    if (form && !box) {
      box = document.createElement("input");
      box.type = "hidden";
      box.name = name;
      form.appendChild(box);
    }
    if (box) { box.value = value; box.disabled = !value; }
  }
  window.addEventListener("message", function (event) {
    var message = event.data;
    if (event.origin !== window.location.origin || event.source !== frame.contentWindow) return;
    if (message && message.wasteflow === "picture") { told(Boolean(message.failed)); return; }
    if (!message || message.wasteflow !== "map" || typeof message.state !== "string") return;
    var state = new URLSearchParams(message.state), url = new URL(window.location.href);
    ["month", "hide"].forEach(function (name) {
      var value = state.get(name) || "";
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
      field(name, value);
      document.querySelectorAll(".tabs a, .switches a, .pager a, table.data thead a, a[data-month]").forEach(function (link) {
        var to = new URL(link.href);
        if (to.pathname !== url.pathname && !link.hasAttribute("data-month")) return;
        if (link.hasAttribute("data-month") && name !== "month") return;
        if (value) to.searchParams.set(name, value);
        else to.searchParams.delete(name);
        link.href = to.href;
      });
    });
    window.history.replaceState(null, "", url.href);
  });
}());
