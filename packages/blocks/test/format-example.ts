/** The worked example of FORMAT.md. */
import { block, type BuiltPack, buildPack, gone, record } from './packs.ts'

/** A sealed pack with a block, a record, and the deletion of the block. */
export function example(): Promise<BuiltPack> {
  const hello = block('hello')
  return buildPack([hello, record('name', 'value'), gone(hello)])
}

/** Sixteen bytes a line, behind their offset. */
export function hexDump(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16)
    const pairs = [...part].map((byte) => byte.toString(16).padStart(2, '0'))
    const text = part.toString('latin1').replaceAll(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${pairs.join(' ').padEnd(47)}  |${text}|`)
  }
  return lines.join('\n')
}
