/** The page that lists a folder. It is written while the folder is read, loads nothing, and runs no script. */
import { createHash } from 'node:crypto'
import type { DirectoryEntry } from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { encodeName } from './target.ts'

/** Part of the entity tag of a listing: to be counted up when the page changes. */
export const listingVersion = 1

const style = [
  ':root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}',
  'body{max-width:60rem;margin:2rem auto;padding:0 1rem}',
  'h1{font-size:1.1rem;overflow-wrap:anywhere}',
  'table{border-collapse:collapse;width:100%}',
  'th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}',
  'td:first-child{white-space:pre-wrap;overflow-wrap:anywhere}',
  '.size{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}',
  '.cid{font:.75rem ui-monospace,monospace;overflow-wrap:anywhere}',
].join('')

/** The page may show itself and nothing more. */
export const listingSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const batchLength = 16_384

/** Writes the page. `names` is the path of the folder, the CID first. Rows go out in batches. */
export async function* listing(
  names: readonly string[],
  cid: CID,
  entries: AsyncIterable<DirectoryEntry>,
  maxEntries: number,
): AsyncGenerator<Uint8Array> {
  let batch = pageStart(names, cid)
  let shown = 0
  for await (const entry of entries) {
    if (shown === maxEntries) {
      batch += `<tr><td colspan="3">Only the first ${maxEntries} entries are shown. There are more: the whole folder is in <a href="?format=car">its archive</a>.</td></tr>\n`
      break
    }
    shown++
    batch += row(entry)
    if (batch.length >= batchLength) {
      yield Buffer.from(batch)
      batch = ''
    }
  }
  if (shown === 0) batch += '<tr><td colspan="3">The folder is empty.</td></tr>\n'
  yield Buffer.from(`${batch}</tbody></table></body></html>\n`)
}

function pageStart(names: readonly string[], cid: CID): string {
  const path = escaped(`/ipfs/${names.join('/')}`)
  const parent = names.length > 1 ? '<tr><td colspan="3"><a href="../">..</a></td></tr>\n' : ''
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${path}</title>
<style>${style}</style></head>
<body><h1><bdi>${path}</bdi></h1>
<p class="cid">${cid} · <a href="?format=car">archive (CAR)</a> · <a href="?format=raw">block</a></p>
<table><thead><tr><th>Name</th><th class="size">Size with its nodes</th><th>CID</th></tr></thead><tbody>
${parent}`
}

function row({ name, cid, size }: DirectoryEntry): string {
  const shown = `<bdi>${escaped(name)}</bdi>`
  const named = reachable(name) ? `<a href="./${encodeName(name)}">${shown}</a>` : shown
  const direct = `<a href="/ipfs/${cid}?filename=${encodeName(name)}">${cid}</a>`
  return `<tr><td>${named}</td><td class="size">${humanSize(size)}</td><td class="cid">${direct}</td></tr>\n`
}

/** Whether a path can say the name: a DAG may hold others, which are reached by their CID alone. */
function reachable(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function humanSize(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}
