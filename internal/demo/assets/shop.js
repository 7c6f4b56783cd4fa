// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

"use strict";

// Everything works without this script; with it, pages stay where they are, and
// show what the other shop has put into the cart.

const cart = new BroadcastChannel("cart");
let busy = 0; // what is being loaded
let stale = false; // the cart has changed since a refresh was asked for

// show shows the cart and the visits of another page of the shop, and leaves the
// focus where it is: with a thing that is no longer in the cart it goes to where
// that is added.
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const focus = document.activeElement?.id;
  for (const part of ["header", ".cart"]) {
    const now = page.querySelector(part);
    if (now) document.querySelector(part).replaceWith(now);
  }
  if (focus) (document.getElementById(focus) ?? document.getElementById(focus.replace("remove-", "add-")))?.focus();
}

async function load(url, options) {
  busy++;
  document.body.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, options);
    if (answer.ok) show(await answer.text()); else location.reload();
  } finally {
    if (--busy === 0) document.body.removeAttribute("aria-busy");
  }
}

// refresh loads the shop as it is now. After a form that is under way the shop
// is up to date anyway.
async function refresh() {
  stale = true;
  if (busy > 0) return;
  while (stale) {
    stale = false;
    await load(location.pathname);
  }
}

addEventListener("submit", async (e) => {
  e.preventDefault();
  await load(e.target.action, { method: "POST", body: new URLSearchParams(new FormData(e.target, e.submitter)) });
  stale = false;
});

cart.addEventListener("message", refresh);
