// Month and hidden layers of the map in the frame, kept in the address of the page around it.
(function () {
  "use strict";
  var frame = document.getElementById("map-frame"), form = document.querySelector("form.filters");
  if (!frame) return;

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
    var told = event.data;
    if (event.origin !== window.location.origin || event.source !== frame.contentWindow) return;
    if (!told || told.wasteflow !== "map" || typeof told.state !== "string") return;
    var state = new URLSearchParams(told.state), url = new URL(window.location.href);
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
