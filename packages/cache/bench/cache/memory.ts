/** B-2: bytes for each resident entry, the ghosts full, beside lru-cache. */
import { startChild } from './child.ts'
import { median, round3, type Row } from './row.ts'

interface Held {
  readonly bytes: number
  readonly ghosts: number
  readonly resident: number
}

export const memory: Row = {
  specs: [
    {
      id: 'B-2',
      measure:
        'bytes for each resident entry with all ghosts, keys and values not counted: the larger of arc and default, ratio to lru-cache',
      unit: 'ratio',
      bar: '<= 1.15',
    },
  ],
  async measure({ quick, log }) {
    const entries = quick ? 20_000 : 200_000
    const names = ['lru-cache', 'arc', 'default']
    const held: Record<string, Held[]> = {}
    for (let round = 0; round < (quick ? 1 : 7); round += 1) {
      for (const name of names) {
        await using child = await startChild(new URL('memory-worker.ts', import.meta.url), [
          name,
          `${entries}`,
        ])
        const one = await child.ask<Held>({})
        ;(held[name] ??= []).push(one)
        log(
          `B-2, round ${round + 1}: ${name} ${one.bytes.toFixed(1)} bytes, ${one.ghosts.toFixed(2)} ghosts an entry`,
        )
      }
    }
    const bytes = Object.fromEntries(names.map((name) => [name, median(held[name]!.map((one) => one.bytes))]))
    const samples = held['lru-cache']!.map(
      (peer, round) => Math.max(held.arc![round]!.bytes, held.default![round]!.bytes) / peer.bytes,
    )
    return {
      'B-2': {
        value: round3(median(samples)),
        samples: samples.map(round3),
        detail: {
          bytes: Object.fromEntries(names.map((name) => [name, round3(bytes[name]!)])),
          ghostsAnEntry: Object.fromEntries(names.map((name) => [name, round3(held[name]![0]!.ghosts)])),
          entries,
        },
      },
    }
  },
}
