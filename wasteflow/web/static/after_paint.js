// Runs scripts that draw with a large library once the page is painted, one after the other.
(function () {
  "use strict";
  var own = document.currentScript, names = own.dataset.scripts.split(" ");
  function next() {
    var name = names.shift();
    if (!name) return;
    var script = document.createElement("script");
    script.src = name;
    script.nonce = own.nonce;
    script.onload = next;
    document.body.appendChild(script);
  }
  requestAnimationFrame(function () { setTimeout(next, 0); });
})();
