#pragma once

namespace peftgrid::orchestrator {

/// The page's style: light on screen and paper, tables that scroll inside their own box on a phone.
inline constexpr const char* kStyle = R"(
:root { color-scheme: light; --ink: #1b1b1f; --quiet: #595965; --line: #d9d9e0; --shade: #f5f5f8; --mark: #e6f0fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 4rem; max-width: 72rem; color: var(--ink); background: #fff;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .4rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 2px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.8rem 0 .4rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; margin: 0; padding: 0; }
a { color: #0b5cad; }
.box { overflow-x: auto; margin: .4rem 0; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .38rem .7rem; text-align: right; white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid var(--line); background: var(--shade); font-weight: 600; }
thead small { display: block; font-weight: 400; color: var(--quiet); }
th:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
thead th:first-child { background: var(--shade); }
tbody th { font-weight: 500; }
tbody tr + tr > * { border-top: 1px solid #ececf1; }
tfoot > tr > * { color: var(--quiet); font-weight: 400; border-top: 1px solid var(--line); }
td.mark { background: var(--mark); font-weight: 700; }
td.none { color: var(--quiet); font-style: italic; }
td .star { color: #0072B2; font-weight: 700; }
sup { line-height: 0; margin-left: .15em; }
details { margin: .5rem 0; }
summary { cursor: pointer; padding: .2rem 0; }
.confusions { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1rem; }
.confusions th, .confusions td { padding: .25rem .4rem; }
.confusions th { white-space: normal; overflow-wrap: anywhere; }
.sentence { margin: .7rem 0; padding: .1rem 0 .1rem .8rem; border-left: 4px solid #0072B2; }
.small { font-size: .86rem; color: var(--quiet); margin: .3rem 0; }
.notes { font-size: .86rem; color: var(--quiet); margin: .3rem 0; padding-left: 0; list-style: none; }
.remarks { background: #fff8e5; border: 1px solid #ecd9a0; border-radius: 6px; padding: .6rem .8rem .6rem 2rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; }
figure .box { padding: .3rem; }
figure svg { display: block; width: 100%; min-width: 20rem; height: auto; }
figcaption { font-size: .86rem; color: var(--quiet); }
.sentence, .small, .notes, .remarks, figcaption, h1, h2, h3 { overflow-wrap: anywhere; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .box { overflow: visible; border: 0; }
  table { font-size: 8pt; }
  th, td { padding: .2rem .3rem; }
  th:first-child { position: static; }
  td.mark { background: none; }
  tr, figure, .sentence { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  figure svg { min-width: 0; }
  .plots { grid-template-columns: 1fr 1fr; }
  nav { display: none; }
}
)";

}  // namespace peftgrid::orchestrator
