/**
 * Plots of lines as self-contained SVG.
 *
 * @packageDocumentation
 */
export { drawPlots, type LinePlot, type PlotAxis, type PlotLine } from './line-plot.ts'
export { evenMarks, roundMarks } from './marks.ts'
export { escapedXml, numberText } from './texts.ts'
