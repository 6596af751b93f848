// Vega-Lite in the page's own colours, without a flicker when a picture is drawn anew.

function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const read = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const found = Object.fromEntries(["ink", "muted", "line", "accent", "second", "third"].map((name) => [name, read(name)]));
  probe.remove();
  return found;
}

export function palette() {
  const { ink, muted, line, accent, second, third } = colours();
  const font = getComputedStyle(document.body).fontFamily;
  const words = { labelColor: muted, titleColor: muted, labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
  return {
    background: "transparent", font, padding: 4,
    axis: { ...words, gridColor: line, domainColor: muted, tickColor: line },
    legend: words,
    header: words,
    title: { color: ink, subtitleColor: muted, font, anchor: "start" },
    view: { stroke: "transparent" },
    range: { category: [accent, second, third, muted, "#b5890b", "#8a5fb0"] },
    mark: { color: accent }, bar: { color: accent }, line: { color: accent }, point: { color: accent },
    area: { color: accent }, rule: { color: muted }, text: { color: ink },
  };
}

// A place for pictures: each replaces the one before it once it is drawn.
export class Canvas {
  constructor(place) {
    this.place = place;
    this.view = null;
    this.last = null;
    addEventListener("themechange", () => { if (this.last) this.put(this.last); });
  }

  async put(chart) {
    this.last = chart;
    const fresh = document.createElement("div");
    fresh.className = "coming";
    this.place.append(fresh);
    const drawn = await window.vegaEmbed(fresh, structuredClone(chart), {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, mode: "vega-lite",
      tooltip: { disableDefaultStyle: true }, config: palette(),
    });
    fresh.className = "";
    this.view?.finalize();
    this.view = drawn;
    this.place.replaceChildren(fresh);
  }
}
