// Opens Swagger UI over the service's own document, with each request in curl and in JavaScript.

const javascript = (request) => {
  const method = request.get("method");
  const headers = request.get("headers");
  const body = request.get("body");
  const options = {};
  if (method !== "GET") options.method = method;
  if (headers && headers.size) options.headers = headers.toJS();
  if (body) options.body = body;
  const given = Object.keys(options).length ? `, ${JSON.stringify(options, null, 2)}` : "";
  return (
    `const answer = await fetch(${JSON.stringify(request.get("url"))}${given});\n` +
    "console.log(answer.status, await answer.text());"
  );
};

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  // A key that was typed in is forgotten with the page.
  persistAuthorization: false,
  // Else the document would be sent to a validator on the internet.
  validatorUrl: null,
  requestSnippetsEnabled: true,
  requestSnippets: {
    generators: {
      curl_bash: { title: "curl", syntax: "bash" },
      javascript: { title: "JavaScript", syntax: "javascript" },
    },
    languages: ["curl_bash", "javascript"],
  },
  plugins: [{ fn: { requestSnippetGenerator_javascript: javascript } }],
});
