/* Kernels: a list of the requests that were drawn, and buttons to the one before and the next. */

function enliven(root) {
  for (const box of root.querySelectorAll(".requests")) {
    const requests = [...box.querySelectorAll(".request")];
    if (requests.length < 2) continue;
    const pull = box.querySelector(".pull");
    pull.innerHTML = '<button class="before" aria-label="the request before">◀</button><select aria-label="request"></select>'
      + '<button class="next" aria-label="the next request">▶</button>';
    const list = pull.querySelector("select");
    requests.forEach((request, k) => list.add(new Option(`${k + 1}. ${request.dataset.name}`, k)));
    const show = (k) => {
      list.value = Math.max(0, Math.min(requests.length - 1, k));
      requests.forEach((request, i) => { request.hidden = i !== Number(list.value); });
    };
    list.addEventListener("change", () => show(Number(list.value)));
    pull.querySelector(".before").addEventListener("click", () => show(Number(list.value) - 1));
    pull.querySelector(".next").addEventListener("click", () => show(Number(list.value) + 1));
    show(requests.findIndex((request) => !request.hidden));
  }
}
