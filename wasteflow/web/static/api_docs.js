// Draws the documentation of the API; the address of its description stands in the page.
"use strict";
window.ui = SwaggerUIBundle({
  dom_id: "#api",
  url: document.getElementById("api").dataset.url,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
