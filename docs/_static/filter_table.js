// A box that hides the rows of a page's tables in which the words typed do not all occur.
// It stands where the page has <div class="table-filter"></div>. A section without a row left goes too.
// The address keeps the words (?filter=...), so that a link can lead to some rows.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector(".table-filter");
  if (!place) return;

  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = place.dataset.placeholder || "Filter the rows, by any words";
  input.setAttribute("aria-label", input.placeholder);
  const count = document.createElement("output");
  place.append(input, count);

  const rows = [...document.querySelectorAll("article table tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const sections = [...document.querySelectorAll("article section section")];

  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    for (const section of sections) {
      const inside = [...section.querySelectorAll("tbody tr")];
      section.hidden = inside.length > 0 && inside.every((row) => row.hidden);
    }
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    if (window.location.protocol === "file:") return; // browsers refuse to change such an address
    const address = new URL(window.location);
    if (words.length) address.searchParams.set("filter", input.value);
    else address.searchParams.delete("filter");
    window.history.replaceState(null, "", address);
  };

  input.value = new URLSearchParams(window.location.search).get("filter") || "";
  input.addEventListener("input", filter);
  filter();
});
