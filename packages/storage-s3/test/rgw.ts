/** One RGW for the tests of a file, and backends in buckets of it. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { createS3Backend, type S3Backend, type S3BackendOptions } from '@ipfs-kit/storage-s3'
import { startRgw, type Rgw } from '../../../tooling/services/rgw.ts'

/** A running RGW with a bucket. */
export interface Place extends AsyncDisposable {
  readonly rgw: Rgw
  readonly bucket: string
  /** A client of the SDK, to look at what is there without this package. */
  readonly client: S3Client
  /** A backend in the bucket, by way of another endpoint if one is given. */
  open(options?: Partial<S3BackendOptions>): S3Backend
}

export async function openPlace(): Promise<Place> {
  const rgw = await startRgw()
  const bucket = 'test-bucket'
  const { endpoint, region, accessKeyId, secretAccessKey } = rgw
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    rgw,
    bucket,
    client,
    open: (options) => createS3Backend({ profile: 'ceph', endpoint, bucket, credentials, ...options }),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await rgw.stop()
    },
  }
}
