// Package plots draws plots of measurements for print: lines with markers and error bars, and stacked bars, as SVG and PNG.
//
//	Plot ──► layout ──► vg.Canvas ──► SVG or PNG
//
// It draws on the canvases of gonum/plot itself. Package plot, with the axes and legends of gonum, parses twelve fonts when a program starts, and
// this program is started once for each rank.
//
// Colours are those of Okabe and Ito, which people see apart who see few colours. So that they can be told apart in grey, too, lines have dashes
// and markers of their own and bars are hatched. The legend is above the data, never over it.
package plots
