/** What is known of the services that speak the protocol of S3, as a table of settings. */

/** The settings in which services differ. Each can be given as an option of its own. */
export interface S3Profile {
  /** The region in signatures; `undefined` where it has to be given, as it names a place. */
  readonly region: string | undefined
  /** URL of the service; `undefined` where it has to be given. `of-region`: AWS's of the region, which the SDK knows. */
  readonly endpoint: string | undefined
  /** Whether the bucket is in the path of a URL, and not in the name of its host. */
  readonly pathStyle: boolean
  /**
   * How a service proves that it got the bytes that were sent. `signature`: by the SHA-256 in the signature of the request.
   * `crc32`: besides, by the header `x-amz-checksum-crc32`, which the service keeps with the object.
   */
  readonly checksums: 'signature' | 'crc32'
  /** Whether all parts of an upload but the last have to be of one size. */
  readonly equalParts: boolean
  /** Whether `PutObject` keeps `If-None-Match: *`. */
  readonly conditionalPut: boolean
  /** Whether `PutObject` keeps `If-Match`. */
  readonly conditionalReplace: boolean
  /** Whether the ETag in `If-Match` is written without its quotes, which HTTP wants around it. */
  readonly bareEtags: boolean
  /** Whether `CompleteMultipartUpload` keeps the same conditions as `PutObject`. */
  readonly conditionalMultipart: boolean
}

/** Nothing beyond what all of them do. */
const plain: S3Profile = {
  region: 'us-east-1',
  endpoint: undefined,
  pathStyle: true,
  checksums: 'signature',
  equalParts: false,
  conditionalPut: false,
  conditionalReplace: false,
  bareEtags: false,
  conditionalMultipart: false,
}

/** The profiles. What a service does is told by a probe; this table is what its documents say. */
export const s3Profiles = {
  // docs.aws.amazon.com/AmazonS3/latest/userguide: conditional-writes, checking-object-integrity, VirtualHosting.
  aws: {
    ...plain,
    region: undefined,
    endpoint: 'of-region',
    pathStyle: false,
    checksums: 'crc32',
    conditionalPut: true,
    conditionalReplace: true,
    conditionalMultipart: true,
  },
  // developers.cloudflare.com/r2/api/s3: api (region `auto`), conditional-operations. Parts of one size: r2/objects/multipart-objects.
  // A CRC32 trailer is answered with 401 `Unauthorized`, and was with 501 before: aws/aws-sdk-js-v3#6810.
  r2: {
    ...plain,
    region: 'auto',
    equalParts: true,
    conditionalPut: true,
    conditionalReplace: true,
    conditionalMultipart: true,
  },
  // backblaze.com/docs/cloud-storage-s3-compatible-api, unsupported features: `x-amz-checksum-*` is answered with 400.
  b2: { ...plain, region: undefined },
  // docs.wasabi.com, service URLs: the region is in the name of the endpoint.
  wasabi: { ...plain, region: undefined },
  // docs.ceph.com/en/latest/radosgw/s3; the conditions as Ceph 16 keeps them, tried out here: a multipart upload ignores them, and
  // `If-Match` of a put is compared with the ETag as it stands.
  ceph: { ...plain, conditionalPut: true, conditionalReplace: true, bareEtags: true },
  // github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API. Conditions came with late versions, so they are not taken for granted.
  seaweedfs: plain,
  // garagehq.deuxfleurs.fr: reference manual, S3 compatibility status; connect: path style, and the region of its configuration.
  garage: { ...plain, region: 'garage' },
  // github.com/minio/minio, docs: conditional requests on PutObject and CompleteMultipartUpload.
  minio: { ...plain, conditionalPut: true, conditionalReplace: true, conditionalMultipart: true },
  // huggingface.co/docs/hub/storage-buckets-s3: the gateway; of conditions it says nothing.
  'hf-bucket': { ...plain, endpoint: 'https://s3.hf.co' },
} as const satisfies Record<string, S3Profile>

/** Names of profiles. */
export type S3ProfileName = keyof typeof s3Profiles
