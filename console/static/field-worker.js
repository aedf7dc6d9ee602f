// The service worker of /field: the page opens without a network. It keeps the shell (page, scripts, styles, words) whole and of one version, and the
// small pictures of the tasks; every other request goes to the network. What the console said and what waits to be sent is the page's (field/store.js).
const ROOT = new URL(".", self.registration.scope).href, PAGE = "field", LIST = "static/field/shell.json";
const SHELL = "cityloop-field-shell-", WHOLE = "whole", PICTURES = "cityloop-field-pictures", MOST_PICTURES = 80;
const PICTURE = /\/api\/v1\/evidence\/[0-9a-f]{64}\/thumbnail$/;

self.addEventListener("install", (event) => event.waitUntil(renew().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => event.waitUntil(event.data === "forget" ? caches.delete(PICTURES) : renewed(event.source)));

self.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(fromShell(ROOT + PAGE, request));
  else if (PICTURE.test(pathname)) event.respondWith(picture(request));
  else if (request.url.startsWith(`${ROOT}static/`)) event.respondWith(fromShell(request.url, request));
});

async function fromShell(address, request) {
  return (await (await shell())?.match(address)) ?? fetch(request);
}

/** The newest shell that is whole: a worker that was killed while it wrote one left the old one in place. */
async function shell() {
  const names = (await caches.keys()).filter((name) => name.startsWith(SHELL)).sort().reverse();
  for (const name of names) {
    const cache = await caches.open(name);
    if (await cache.match(ROOT + WHOLE)) return cache;
  }
  return null;
}

async function renewed(client) {
  try {
    if (await renew()) client?.postMessage("new shell");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // without a network the old shell goes on
  }
}

/** Fetches every file of the shell; only when all are there, and one is another than before, they become the shell. Says whether they did. */
async function renew() {
  const old = await shell(), paths = [PAGE, LIST, ...(await (await get(LIST)).json())];
  const found = await Promise.all(paths.map(async (path) => [ROOT + path, await get(path)]));
  if (old && (await Promise.all(found.map(async ([address, answer]) => alike(await old.match(address), answer)))).every(Boolean)) return false;
  const name = `${SHELL}${Date.now()}`, cache = await caches.open(name);
  await Promise.all(found.map(([address, answer]) => cache.put(address, answer)));
  await cache.put(ROOT + WHOLE, new Response("yes"));
  const others = (await caches.keys()).filter((each) => each.startsWith(SHELL) && each !== name);
  await Promise.all(others.map((each) => caches.delete(each)));
  return Boolean(old);
}

async function alike(one, other) {
  if (!one) return false;
  const tag = other.headers.get("ETag");
  return tag ? tag === one.headers.get("ETag") : (await one.text()) === (await other.clone().text());
}

async function get(path) {
  const answer = await fetch(ROOT + path, { cache: "no-cache" });
  if (!answer.ok || answer.redirected) throw new TypeError(`${path} answers ${answer.status}`);
  return answer;
}

/** A picture never changes under its hash: the kept one first; the oldest leave when there are too many. */
async function picture(request) {
  const cache = await caches.open(PICTURES), kept = await cache.match(request.url);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request.url, answer.clone());
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_PICTURES)).map((key) => cache.delete(key)));
  }
  return answer;
}
