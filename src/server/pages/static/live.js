// Asks for this page again every few seconds, and shows what has changed. Without it, reload the page.
(() => {
  "use strict";
  const seconds = Number(document.querySelector("main").dataset.live);
  if (!seconds) return;
  const stale = document.querySelector(".stale");
  let tag = null, busy = false;

  // Whoever is typing or choosing is not disturbed; nor is who has opened or closed something to read.
  const occupied = () => {
    const focus = document.activeElement;
    return focus && focus.closest("main") && focus.matches("input:not([type=hidden]), select, textarea");
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const main = document.querySelector("main"), next = fresh.querySelector("main");
    if (!next) return;
    const opened = [...main.querySelectorAll("details")].map((one) => one.open);
    next.querySelectorAll("details").forEach((one, place) => { if (place in opened) one.open = opened[place]; });
    const id = document.activeElement && document.activeElement.id;
    main.replaceChildren(...next.childNodes);
    document.title = fresh.title;
    const again = id && id !== "main" && document.getElementById(id);
    if (again) again.focus({ preventScroll: true });
  };

  const look = async () => {
    if (busy || document.hidden || occupied()) return;
    busy = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
      // The session is over: the way to sign in, and back here.
      if (answer.type === "opaqueredirect") return location.reload();
      if (answer.status === 200) {
        const text = await answer.text();
        if (!occupied()) {
          show(text);
          tag = answer.headers.get("ETag");
        }
      } else if (answer.status !== 304) {
        throw new Error(answer.status);
      }
      stale.hidden = true;
    } catch {
      stale.hidden = false;
    } finally {
      busy = false;
    }
  };
  setInterval(look, seconds * 1000);
  document.addEventListener("visibilitychange", look);
  look();
})();
