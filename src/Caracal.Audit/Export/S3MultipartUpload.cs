using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Caracal.Audit.Export;

/// <summary>
/// Uploads what is too large for one request, part by part; the object appears when all are there. What a killed process
/// began is ended first, so that no part lies in the bucket, unseen and paid for.
/// </summary>
/// <param name="client">The bucket's server.</param>
/// <param name="bucket">The bucket.</param>
/// <param name="partBytes">Size of a part but the last.</param>
internal sealed class S3MultipartUpload(IAmazonS3 client, string bucket, long partBytes)
{
    // S3 takes no more than this many parts of one object.
    private const int MostParts = 10_000;

    private static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(10);

    /// <summary>Uploads the whole content; false when there is an object of the key already and none may be replaced.</summary>
    /// <param name="begin">What the object is to be like.</param>
    /// <param name="content">Seekable.</param>
    /// <param name="onlyNew">Whether an object that is there stays.</param>
    /// <param name="cancellationToken">Stops the upload; its parts are removed.</param>
    public async Task<bool> RunAsync(InitiateMultipartUploadRequest begin, Stream content, bool onlyNew, CancellationToken cancellationToken)
    {
        await AbortLeftAsync(begin.Key, cancellationToken);
        var upload = await client.InitiateMultipartUploadAsync(begin, cancellationToken);
        try
        {
            var complete = new CompleteMultipartUploadRequest { BucketName = bucket, Key = begin.Key, UploadId = upload.UploadId, PartETags = await PartsAsync(begin.Key, upload.UploadId, content, cancellationToken) };
            if (onlyNew) complete.IfNoneMatch = "*";
            await client.CompleteMultipartUploadAsync(complete, cancellationToken);
            return true;
        }
        catch (AmazonS3Exception refused) when (onlyNew && refused.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            await AbortAsync(begin.Key, upload.UploadId);
            return false;
        }
        catch
        {
            await AbortAsync(begin.Key, upload.UploadId);
            throw;
        }
    }

    private async Task<List<PartETag>> PartsAsync(string key, string uploadId, Stream content, CancellationToken cancellationToken)
    {
        var size = Math.Max(partBytes, (content.Length + MostParts - 1) / MostParts);
        var parts = new List<PartETag>();
        for (var at = 0L; at < content.Length; at += size)
        {
            content.Position = at;
            var part = await client.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = bucket,
                    Key = key,
                    UploadId = uploadId,
                    PartNumber = parts.Count + 1,
                    PartSize = Math.Min(size, content.Length - at),
                    IsLastPart = at + size >= content.Length,
                    InputStream = content,
                    UseChunkEncoding = false,
                },
                cancellationToken);
            parts.Add(new PartETag(parts.Count + 1, part.ETag));
        }

        return parts;
    }

    // Only the holder of the export's lease uploads, one object at a time, so what is open is left over. Who lost the lease amid
    // an upload may still be at it: that upload fails, and finds the whole object should it ever be tried again.
    private async Task AbortLeftAsync(string key, CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest { BucketName = bucket, Prefix = key };
        try
        {
            ListMultipartUploadsResponse page;
            do
            {
                page = await client.ListMultipartUploadsAsync(request, cancellationToken);
                foreach (var left in (page.MultipartUploads ?? []).Where(left => left.Key == key))
                {
                    await client.AbortMultipartUploadAsync(bucket, key, left.UploadId, cancellationToken);
                }

                (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
            }
            while (page.IsTruncated == true);
        }
        catch (AmazonS3Exception refused) when (refused.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented or HttpStatusCode.NotFound)
        {
            // Who may not list uploads, or whose server cannot, leaves the rest to the bucket's own rule for unfinished ones.
        }
    }

    // The upload has failed already: what fails now is found by the next one.
    private async Task AbortAsync(string key, string uploadId)
    {
        using var limit = new CancellationTokenSource(AbortLimit);
        try
        {
            await client.AbortMultipartUploadAsync(bucket, key, uploadId, limit.Token);
        }
        catch (Exception fault) when (S3Target.IsTrouble(fault) || fault is OperationCanceledException)
        {
            // Looked for again before the next upload of this object.
        }
    }
}
