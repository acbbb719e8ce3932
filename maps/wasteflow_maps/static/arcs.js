// Arcs between places: the Bezier formula of geometry.py, and a line that leaves room for its arrow.
(function (root) {
  "use strict";
  var POINTS = 40, FACTOR = 1e5;

  // [[lon, lat], …] from (lon1, lat1) to (lon2, lat2), bending right of the direction of travel.
  function arc(lon1, lat1, lon2, lat2, bend) {
    var shrink = Math.cos((lat1 + lat2) / 2 * Math.PI / 180);
    var ax = lon1 * shrink, bx = lon2 * shrink;
    var cx = (ax + bx) / 2 + bend * (lat2 - lat1);
    var cy = (lat1 + lat2) / 2 - bend * (bx - ax);
    var points = [];
    for (var i = 0; i < POINTS; i += 1) {
      var t = i / (POINTS - 1), s = 1 - t;
      var x = s * s * ax + 2 * s * t * cx + t * t * bx;
      var y = s * s * lat1 + 2 * s * t * cy + t * t * lat2;
      points.push([Math.round(x / shrink * FACTOR) / FACTOR, Math.round(y * FACTOR) / FACTOR]);
    }
    return points;
  }

  // Take `cut` pixels off the end of a projected line, unless too little would be left.
  function trim(points, cut) {
    var total = 0, i;
    for (i = 1; i < points.length; i += 1) total += points[i].distanceTo(points[i - 1]);
    if (total < cut + 6) return false;
    var left = cut;
    while (points.length > 1) {
      var end = points[points.length - 1], before = points[points.length - 2];
      var step = end.distanceTo(before);
      if (step > left) {
        points[points.length - 1] = end.add(before.subtract(end).multiplyBy(left / step));
        return true;
      }
      left -= step;
      points.pop();
    }
    return true;
  }

  // Whole pixels make a polygon of a curve; a quadratic spline through the middles undoes that.
  function spline(points) {
    var text = "M" + points[0].x + " " + points[0].y, i;
    for (i = 1; i < points.length - 1; i += 1) {
      text += "Q" + points[i].x + " " + points[i].y + " " +
        (points[i].x + points[i + 1].x) / 2 + " " + (points[i].y + points[i + 1].y) / 2;
    }
    return text + "L" + points[i].x + " " + points[i].y;
  }

  function lineClass(L) {
    return L.Polyline.extend({
      options: { arrow: "s", trim: 12, smoothFactor: 1.6 },
      _simplifyPoints: function () {
        L.Polyline.prototype._simplifyPoints.call(this);
        var last = this._parts[this._parts.length - 1], ring = this._rings[0], arrow = false;
        if (last && ring && last[last.length - 1].equals(ring[ring.length - 1])) {
          arrow = trim(last, this.options.trim);
        }
        if (!this._path) return;
        if (arrow) this._path.setAttribute("marker-end", "url(#wf-arrow-" + this.options.arrow + ")");
        else this._path.removeAttribute("marker-end");
      },
      _updatePath: function () {
        var parts = this._parts.filter(function (part) { return part.length > 1; });
        this._path.setAttribute("d", parts.map(spline).join("") || "M0 0");
      }
    });
  }

  root.wasteflowArcs = { arc: arc, lineClass: lineClass };
  if (typeof module !== "undefined") module.exports = root.wasteflowArcs;
})(typeof window === "undefined" ? globalThis : window);
