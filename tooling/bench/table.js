/** The report as lines: the machine, then one row per result, then why some could not be measured. */
export function formatReport(report) {
  const { machine } = report
  const head = ['id', 'measure', 'value', 'bar', 'holds']
  const rows = [head, ...report.results.map(toRow)]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const title = `${report.area}${report.quick ? ' (--quick: lower counts, not for comparing)' : ''}`
  const where = `Node ${machine.node.slice(1)}, ${machine.cpus} × ${machine.model}, ${gib(machine.memory)}, ${machine.platform}`
  return [
    title,
    where,
    '',
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    ...report.results.flatMap(({ id, why }) => (why === undefined ? [] : [`${id} was not measured: ${why}`])),
    '',
  ].join('\n')
}
function toRow(result) {
  const value = result.value === null ? 'not measured' : `${round(result.value)} ${result.unit}`
  const holds = result.holds === null ? '' : result.holds ? 'yes' : 'NO'
  return [result.id, result.measure, value, result.bar ?? '', holds]
}
/** Three significant digits; whole numbers from 100 up. */
function round(value) {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
function gib(bytes) {
  return `${Math.round(bytes / 2 ** 30)} GiB`
}
//# sourceMappingURL=table.js.map
