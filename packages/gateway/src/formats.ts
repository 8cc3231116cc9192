/** The table of response formats, and which of them a request gets. A new format is a responder and a line here. */
import type { Accepted } from './accept.ts'
import type { Responder } from './ask.ts'
import { GatewayError } from './errors.ts'
import { checkCarVariant, respondCar } from './respond/car.ts'
import { respondRaw } from './respond/raw.ts'
import { respondUnixfs } from './respond/unixfs.ts'
import type { Target } from './target.ts'

/** A format that must be asked for. */
interface Format {
  readonly mediaType: string
  /** Absent for a format of the specification that is not served yet. */
  readonly respond?: Responder
  /** Throws a GatewayError for a variant that is not served. */
  readonly check?: (query: URLSearchParams, accepted: Accepted | undefined) => void
  /** Ordinary web content has this media type too, so an Accept header with it does not ask for the format. */
  readonly onlyByQuery?: boolean
}

const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['raw', { mediaType: 'application/vnd.ipld.raw', respond: respondRaw }],
  ['car', { mediaType: 'application/vnd.ipld.car', respond: respondCar, check: checkCarVariant }],
  ['tar', { mediaType: 'application/x-tar' }],
  ['dag-json', { mediaType: 'application/vnd.ipld.dag-json' }],
  ['dag-cbor', { mediaType: 'application/vnd.ipld.dag-cbor' }],
  ['json', { mediaType: 'application/json', onlyByQuery: true }],
  ['cbor', { mediaType: 'application/cbor', onlyByQuery: true }],
  ['ipns-record', { mediaType: 'application/vnd.ipfs.ipns-record' }],
])

/** How a request is answered. */
export interface Negotiated {
  readonly respond: Responder
  /**
   * The query of the URL that gives the same without an Accept header, for `content-location`; undefined where that header
   * had no influence and named no other format.
   */
  readonly ownQuery: string | undefined
}

/**
 * Chooses the responder: `?format=` outranks the Accept header, of which the best media type that can be served decides.
 * Without either the content is shown as a web page or file.
 *
 * @throws GatewayError GATEWAY_PARAMETER, GATEWAY_FORMAT
 */
export function negotiate({ params, query }: Target, accepted: readonly Accepted[]): Negotiated {
  const asked = params.get('format')
  if (asked !== null) {
    const format = formats.get(asked)
    if (format === undefined) {
      throw new GatewayError(
        'GATEWAY_PARAMETER',
        `There is no format ${JSON.stringify(asked)}; the known ones are ${Array.from(formats.keys()).join(', ')}`,
      )
    }
    const preference = accepted.find((entry) => entry.mediaType === format.mediaType)
    const contradicted =
      preference === undefined && accepted.some((entry) => formatOf(entry.mediaType) !== undefined)
    return {
      respond: responderOf(asked, format, params, preference),
      ownQuery: contradicted ? query : undefined,
    }
  }
  let refusal: GatewayError | undefined
  for (const entry of accepted) {
    const named = formatOf(entry.mediaType)
    if (named === undefined) return { respond: respondUnixfs, ownQuery: undefined }
    try {
      const ownQuery = `${query === '' ? '?' : `${query}&`}format=${named[0]}`
      return { respond: responderOf(...named, params, entry), ownQuery }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      refusal ??= error
    }
  }
  if (refusal !== undefined) throw refusal
  return { respond: respondUnixfs, ownQuery: undefined }
}

function formatOf(mediaType: string): [string, Format] | undefined {
  for (const [name, format] of formats) {
    if (format.mediaType === mediaType && format.onlyByQuery !== true) return [name, format]
  }
  return undefined
}

function responderOf(
  name: string,
  format: Format,
  query: URLSearchParams,
  accepted: Accepted | undefined,
): Responder {
  if (format.respond === undefined) {
    throw new GatewayError('GATEWAY_FORMAT', `The format ${name} is not served here yet`)
  }
  format.check?.(query, accepted)
  return format.respond
}
