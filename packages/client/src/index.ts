/**
 * A typed client for an ipfs-kit server. It is a `Caller`, so whatever takes one works in this process and over HTTP
 * alike. It runs in Node and in browsers.
 *
 * @packageDocumentation
 */
export { createClient } from './client.ts'
export type { Client, ClientBody, ClientCallOptions, ClientFileEntry, ClientOptions } from './client.ts'
export { ClientError, clientErrors } from './errors.ts'
export type { ClientErrorCode, ClientErrorDetails } from './errors.ts'
export { followJobs, type FollowedJobs, type JobChange } from './follow-jobs.ts'
export { type FollowedTopic, followWal, type TopicMessage } from './follow-wal.ts'
export type { FollowOptions } from './over-connections.ts'
