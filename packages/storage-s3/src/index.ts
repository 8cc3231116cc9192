/**
 * A storage backend in a bucket of S3 or of a service that speaks its protocol: uploads in parts that can be resumed, reads in
 * ranges that are verified, and profiles of what services differ in.
 *
 * @packageDocumentation
 */
export type { S3Abilities } from './abilities.ts'
export type { S3BackendOptions, S3Credentials, S3Encryption } from './options.ts'
export type { PresignOptions } from './presign.ts'
export { s3Profiles, type S3Profile, type S3ProfileName } from './profiles.ts'
export {
  createS3Backend,
  type S3Backend,
  type S3ProbeReport,
  type S3PutOptions,
  type S3Stats,
} from './s3-backend.ts'
export { s3Scheme } from './scheme.ts'
export type { S3ObjectStat } from './stat.ts'
export type { SweepOptions, SweepReport } from './sweep.ts'
export type { UploadedPart, UploadState } from './upload-state.ts'
