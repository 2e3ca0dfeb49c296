// Asks once a second for the part of the front page that changes, and puts it in place if it did. Written for a browser
// alone: no library, nothing from elsewhere. It rests while the page is hidden, paused, or a link inside has the focus.
const region = document.getElementById("live");
const pause = document.getElementById("pause");
let tag = "";

const resting = () => document.hidden || pause.checked || region.contains(document.activeElement);

async function refresh() {
  if (resting()) return;
  const answer = await fetch("/live", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  const fragment = await answer.text();
  if (resting()) return; // meanwhile: it is asked for again
  tag = answer.headers.get("ETag") || "";
  const newest = region.querySelector("[data-n]")?.dataset.n || "0";
  region.innerHTML = fragment; // written and escaped by the sandbox itself
  for (const row of region.querySelectorAll("[data-n]")) {
    if (Number(row.dataset.n) > Number(newest)) row.classList.add("fresh");
  }
}

pause.closest("label").hidden = false;
setInterval(() => refresh().catch(() => {}), 1000); // a sandbox that ended is simply not asked any more until it is back
