// What the page does without asking the server: cookies of choice, shortcuts, sign-in.
(() => {
  const keep = (name, value) => {
    document.cookie = `${name}=${encodeURIComponent(value)};path=/;max-age=31536000;samesite=lax`;
  };
  keep("wuxin_zone", Intl.DateTimeFormat().resolvedOptions().timeZone);

  const send = async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (answer.ok) return null;
    const said = await answer.json().catch(() => ({}));
    return { status: answer.status, detail: said.detail };
  };
  const say = (form, words) => {
    const place = form.querySelector("[role=alert]");
    place.textContent = words;
    place.hidden = !words;
  };

  window.wuxin = {
    theme() {
      const dark = !document.body.classList.contains("body--dark");
      Quasar.Dark.set(dark);
      keep("wuxin_theme", dark ? "dark" : "light");
    },
    async signIn(event) {
      event.preventDefault();
      const form = event.target;
      const problem = await send("POST", "/api/session", Object.fromEntries(new FormData(form)));
      if (problem) say(form, form.dataset[problem.status === 401 ? "wrong" : "fault"]);
      else location.replace(form.dataset.next);
    },
    async changePassword(event) {
      event.preventDefault();
      const form = event.target;
      const given = Object.fromEntries(new FormData(form));
      if (given.password.length < 10) return say(form, form.dataset.short);
      if (given.password !== given.again) return say(form, form.dataset.differ);
      const problem = await send("POST", "/api/password", { password: given.password });
      if (problem) say(form, form.dataset.fault);
      else location.replace("/");
    },
    async signOut() {
      await send("DELETE", "/api/session");
      location.replace("/sign-in");
    },
    // A link from elsewhere arrives without the strict cookie although somebody is signed in.
    async alreadyIn(next) {
      const answer = await fetch("/api/session");
      if (answer.ok) location.replace(next);
    },
    // State lives in the address: null or "" takes a parameter out.
    query(changes) {
      const url = new URL(location.href);
      for (const [key, value] of Object.entries(changes)) {
        if (value === null || value === "") url.searchParams.delete(key);
        else url.searchParams.set(key, value);
      }
      history.replaceState(history.state, "", url);
    },
    language(code) {
      const url = new URL(location.href);
      url.searchParams.set("lang", code);
      location.assign(url);
    },
  };

  addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      emitEvent("wuxin-search");
    }
  });
  addEventListener("click", (event) => {
    const asked = event.target.closest?.("[data-evidence],[data-reading]");
    if (!asked) return;
    event.preventDefault();
    event.stopPropagation();
    emitEvent("wuxin-evidence", { record: asked.dataset.evidence, reading: asked.dataset.reading });
  }, true);
})();
