// Runs scripts that draw with a large library once the page is painted, one after the other.
// Where the chart is not shown at first (`data-unless`: a width) the library waits until it is asked
// for (`data-until`: a checkbox) or the screen is turned.
(function () {
  "use strict";
  var own = document.currentScript, names = own.dataset.scripts.split(" "), started = false;
  function next() {
    var name = names.shift();
    if (!name) return;
    var script = document.createElement("script");
    script.src = name;
    script.nonce = own.nonce;
    script.onload = next;
    document.body.appendChild(script);
  }
  var narrow = own.dataset.unless && window.matchMedia(own.dataset.unless);
  var asked = document.getElementById(own.dataset.until || "");
  function start() {
    if (started || (narrow && narrow.matches && asked && !asked.checked)) return;
    started = true;
    requestAnimationFrame(function () { setTimeout(next, 0); });
  }
  if (narrow) narrow.addEventListener("change", start);
  if (asked) asked.addEventListener("change", start);
  start();
})();
