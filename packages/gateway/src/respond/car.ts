/**
 * A verifiable archive: `application/vnd.ipld.car`, version 1. First the blocks that the path passes, from its root on, then
 * the whole DAG at its end, depth first, each block once (trustless gateway specification, CAR responses).
 */
import type { Accepted } from '../accept.ts'
import { type Ask, immutable, wantedName } from '../ask.ts'
import { contentDisposition } from '../disposition.ts'
import { GatewayError } from '../errors.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import type { GatewayIpfs } from '../node.ts'
import { pathBlocks } from '../path-blocks.ts'
import { peek } from '../peek.ts'
import { noneMatch } from '../validators.ts'

const mediaType = 'application/vnd.ipld.car; version=1; order=dfs; dups=n'

/** Values of a parameter: those that are served and those that the specification has besides. */
interface Choice {
  readonly served: readonly string[]
  readonly unserved: readonly string[]
}

const scopes: Choice = { served: ['all'], unserved: ['block', 'entity'] }
const choices: Readonly<Record<'version' | 'order' | 'dups', Choice>> = {
  version: { served: ['1'], unserved: ['2'] },
  order: { served: ['dfs', 'unk'], unserved: [] },
  dups: { served: ['n'], unserved: ['y'] },
}

/** Refuses the variants that are not served. @throws GatewayError GATEWAY_PARAMETER, GATEWAY_FORMAT */
export function checkCarVariant(query: URLSearchParams, accepted: Accepted | undefined): void {
  check('dag-scope', query.get('dag-scope'), scopes)
  for (const [name, choice] of Object.entries(choices)) {
    check(`car-${name}`, query.get(`car-${name}`) ?? accepted?.parameters.get(name), choice)
  }
  if (query.has('entity-bytes'))
    throw new GatewayError('GATEWAY_FORMAT', 'CAR responses with entity-bytes are not served here yet')
}

function check(name: string, value: string | null | undefined, choice: Choice): void {
  if (value === null || value === undefined || choice.served.includes(value)) return
  if (choice.unserved.includes(value)) {
    throw new GatewayError(
      'GATEWAY_FORMAT',
      `CAR responses with ${name}=${value} are not served here yet, only ${choice.served.join(' or ')}`,
    )
  }
  const known = [...choice.served, ...choice.unserved].join(', ')
  throw new GatewayError(
    'GATEWAY_PARAMETER',
    `${name} cannot be ${JSON.stringify(value)}; the known values are ${known}`,
  )
}

/** Answers with the archive. The block at the end of the path is read first: when it is not here, the answer is 404. */
export async function respondCar(node: GatewayIpfs, ask: Ask): Promise<GatewayResponse> {
  const { place, request, target } = ask
  const { signal } = request
  const scope = target.params.get('dag-scope')
  const etag = `W/"${scope === null ? '' : `${scope}.`}${place.cid}.car"`
  const validators = { etag, 'cache-control': immutable }
  await node.blocks.get(place.cid, { signal })
  if (noneMatch(headerOf(request, 'if-none-match'), etag)) return { status: 304, headers: validators }
  const headers = {
    ...validators,
    'content-type': mediaType,
    'content-disposition': contentDisposition('attachment', wantedName(target) ?? `${place.cid}.car`),
    'accept-ranges': 'none',
  }
  if (request.method === 'HEAD') return { status: 200, headers }
  const archive = await node.car.export(place.cid.toString(), { signal })
  const [root = '', ...names] = target.names
  if (names.length === 0) return { status: 200, headers, body: (await peek(archive, 1)).body }
  const rootCid = place.roots?.[0] ?? (await node.files.resolve(root, { signal }))
  const body = withPath(archive, pathBlocks(node.blocks, rootCid, names, signal))
  return { status: 200, headers, body: (await peek(body, 1)).body }
}

/** Puts the blocks of the path between the header of an archive and its blocks. None of them can be among these: a DAG has no cycle. */
async function* withPath(
  archive: AsyncIterable<Uint8Array>,
  path: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0)
  let inHeader = true
  for await (const chunk of archive) {
    if (!inHeader) {
      yield chunk
      continue
    }
    start = Buffer.concat([start, chunk])
    const end = headerEnd(start)
    if (end === undefined || start.byteLength < end) continue
    inHeader = false
    yield start.subarray(0, end)
    yield* path
    if (start.byteLength > end) yield start.subarray(end)
  }
}

/** Where the header of a CAR ends: its length is in front of it as an unsigned LEB128 number. */
function headerEnd(bytes: Uint8Array): number | undefined {
  let length = 0
  for (const [at, byte] of bytes.entries()) {
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return at + 1 + length
  }
  return undefined
}
