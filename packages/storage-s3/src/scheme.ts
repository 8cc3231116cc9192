/** Addresses of objects in buckets. */
import { namedPlace, type AddressScheme } from '@ipfs-kit/storage'

// docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; some services take capitals and underscores as well.
const bucketPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/

/** `s3://name/bucket/key`: an object in a bucket, by the name under which the account of a service is configured. */
export const s3Scheme: AddressScheme = Object.freeze({
  name: 's3',
  example: 's3://archive/photos/2024/a.jpg',
  form: 'uri',
  places: [
    namedPlace('name of an account'),
    { name: 'bucket', accepts: (text: string) => bucketPattern.test(text) },
  ],
  keys: 'any',
})
