// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

"use strict";

// Everything works without this script; with it, it is live.

const cart = new BroadcastChannel("cart");

// The panel, as the server draws it.
const events = new EventSource("/panel/events");
events.addEventListener("panel", (e) => { document.getElementById("panel").innerHTML = e.data; });
events.addEventListener("changed", () => cart.postMessage("changed"));

// The shops are as high as the higher one is.
const frames = [...document.querySelectorAll("iframe")];

function fit() {
  const sideBySide = matchMedia("(min-width: 50rem)").matches;
  const heights = frames.map((f) => f.contentDocument?.body?.offsetHeight ?? 0);
  frames.forEach((f, i) => {
    const height = sideBySide ? Math.max(...heights) : heights[i];
    if (height > 0) f.style.height = height + "px";
  });
}

const resized = new ResizeObserver(fit);
for (const frame of frames) {
  const watch = () => { if (frame.contentDocument?.body) resized.observe(frame.contentDocument.body); };
  frame.addEventListener("load", watch);
  watch();
}
addEventListener("resize", fit);

// The buttons: the result is shown in place.
async function tryOut(form) {
  const button = form.querySelector("button"), result = document.getElementById("result");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  result.textContent = button.textContent + ": under way…";
  result.scrollIntoView({ block: "nearest" });
  try {
    const answer = await fetch(form.action + "?part=result", { method: "POST" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    result.replaceChildren(...(page.querySelector("main") ?? page.body).childNodes);
    result.scrollIntoView({ block: "nearest" });
  } catch {
    result.textContent = "The demo does not answer. Is it still running?";
  } finally {
    button.removeAttribute("aria-busy");
  }
}

for (const form of document.querySelectorAll(".tries form")) {
  form.addEventListener("submit", (e) => { e.preventDefault(); tryOut(form); });
}
