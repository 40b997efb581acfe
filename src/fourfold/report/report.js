"use strict";

const charts = [...document.querySelectorAll("script[data-chart]")];

for (const json of charts) {
  const { data, layout } = JSON.parse(json.textContent);
  Plotly.newPlot(json.dataset.chart, data, layout, { responsive: true, displayModeBar: false });
}

// Paper is narrower than the screen, and what is folded away cannot be unfolded on it.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
matchMedia("print").addEventListener("change", () => {
  for (const json of charts) Plotly.Plots.resize(json.dataset.chart);
});
