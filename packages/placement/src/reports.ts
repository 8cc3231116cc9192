/** What placement tells those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import type { Summary } from './tally.ts'

const copyChannel = channel('placement:copy')
const badChannel = channel('placement:bad')
const evaluationChannel = channel('placement:evaluation')

/** `placement:copy`: a copy was made, read back and hashed. */
export function publishCopy(cid: string, source: string, target: string, bytes: number): void {
  if (copyChannel.hasSubscribers) copyChannel.publish({ cid, source, target, bytes })
}

/** `placement:bad`: a copy is lost or damaged. */
export function publishBad(cid: string, backend: string, state: 'lost' | 'damaged'): void {
  if (badChannel.hasSubscribers) badChannel.publish({ cid, backend, state })
}

/** `placement:evaluation`: everything was evaluated. */
export function publishEvaluation({
  contents,
  under,
  met,
  over,
  unfinished,
  bytes,
  costPerMonth,
}: Summary): void {
  if (!evaluationChannel.hasSubscribers) return
  evaluationChannel.publish({ contents, under, met, over, unfinished, bytes, costPerMonth })
}
