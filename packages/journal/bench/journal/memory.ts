/** Resident memory of this process, from `/proc`: wants Linux. */
import { readFileSync, writeFileSync } from 'node:fs'

/** Resident memory now, after all garbage is collected, in MiB. */
export function residentMiB(): number {
  globalThis.gc?.()
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
