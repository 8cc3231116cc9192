/**
 * The IPFS HTTP gateway over an IPFS node, as a handler that mounts on any server: `GET` and `HEAD` of `/ipfs/<cid>/<path>`
 * with ranges, entity tags, folder listings, and blocks and archives that the client can verify.
 *
 * @packageDocumentation
 */
export type { GatewayErrorRecord } from './error-record.ts'
export { GatewayError, gatewayErrors } from './errors.ts'
export type { GatewayErrorCode } from './errors.ts'
export type { GatewayRequest, GatewayResponse } from './exchange.ts'
export { createGateway } from './gateway.ts'
export type { Gateway, GatewayLimits, GatewayOptions } from './gateway.ts'
export type { GatewayIpfs } from './node.ts'
