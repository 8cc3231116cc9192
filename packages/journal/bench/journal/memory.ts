/** Resident memory of this process, from `/proc`: wants Linux. */
import { readFileSync, writeFileSync } from 'node:fs'

/** Resident memory now, in MiB, after all garbage is collected and what V8 holds for more of it is given back. */
export function residentMiB(): number {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  return fieldMiB('VmRSS')
}

/** Forgets the peak of before. */
export function resetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5')
}

/** Most resident memory since {@link resetPeak}, in MiB. */
export function peakMiB(): number {
  return fieldMiB('VmHWM')
}

function fieldMiB(field: string): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  if (value === undefined) throw new Error(`/proc/self/status has no ${field}`)
  return Number(value) / 1024
}
