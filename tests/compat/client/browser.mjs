// A browser, as far as the official client needs one: it keeps cookies and says which page it is on.

/** A `fetch` with a jar of its own, of a page at `origin`. */
export function browser(origin) {
  const jar = new Map();
  const fetchInPage = async (input, init) => {
    const request = new Request(input, init);
    request.headers.set('origin', origin);
    if (jar.size > 0) request.headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    const response = await fetch(request);
    response.headers.getSetCookie().forEach((line) => keep(jar, line));
    return response;
  };
  return { fetch: fetchInPage, jar };
}

function keep(jar, line) {
  const [pair, ...attributes] = line.split('; ');
  const cut = pair.indexOf('=');
  const name = pair.slice(0, cut);
  if (attributes.includes('Max-Age=0')) jar.delete(name);
  else jar.set(name, pair.slice(cut + 1));
}
