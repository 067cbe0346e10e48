using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Caracal.Audit.Export;

/// <summary>An export in an S3-compatible bucket.</summary>
public sealed class S3Target : IExportTarget, IDisposable
{
    private const string ContentType = "application/octet-stream";

    private readonly AmazonS3Client _client;
    private readonly string _bucket;
    private readonly ObjectLock? _lock;
    private readonly TimeProvider _time;
    private readonly long _partBytes;
    private readonly S3MultipartUpload _multipart;

    /// <param name="settings">Bucket, endpoint, region, lock.</param>
    /// <param name="time">The lock's end is counted from now.</param>
    /// <param name="credentials">Null takes them from the environment, as every AWS client does.</param>
    public S3Target(ExportSettings settings, TimeProvider time, AWSCredentials? credentials = null)
    {
        _bucket = settings.Bucket!;
        _lock = settings.Lock;
        _time = time;
        var config = new AmazonS3Config
        {
            // Compatible servers know the checksums of old, not the trailing ones.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (settings.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.ForcePathStyle = true;
            config.AuthenticationRegion = settings.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(settings.Region);
        }

        _client = credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
        _partBytes = settings.PartBytes;
        _multipart = new S3MultipartUpload(_client, _bucket, _partBytes);
    }

    public async Task<bool> CreateAsync(string key, Stream content, CancellationToken cancellationToken)
    {
        // Not every server knows If-None-Match on PUT; those that do decide a race.
        if (await FindAsync(key, cancellationToken) is not null) return false;
        try
        {
            if (content.Length > _partBytes) return await _multipart.RunAsync(Begin(key), content, onlyNew: true, cancellationToken);
            var request = Put(key, content);
            request.IfNoneMatch = "*";
            await _client.PutObjectAsync(request, cancellationToken);
            return true;
        }
        catch (AmazonS3Exception refused) when (refused.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return false;
        }
        catch (Exception fault) when (IsTrouble(fault))
        {
            throw Unreachable(fault);
        }
    }

    public async Task MendAsync(string key, Stream content, CancellationToken cancellationToken)
    {
        try
        {
            if (content.Length > _partBytes) await _multipart.RunAsync(Begin(key), content, onlyNew: false, cancellationToken);
            else await _client.PutObjectAsync(Put(key, content), cancellationToken);
        }
        catch (Exception fault) when (IsTrouble(fault))
        {
            throw Unreachable(fault);
        }
    }

    public async Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken)
    {
        if (await FindAsync(key, cancellationToken) is not { } found) return null;
        if (found.ContentLength == 0) return new MemoryStream();
        try
        {
            // Asked for as a range, what an upload left that broke off is read too: whether it is whole, manifests tell.
            var request = new GetObjectRequest { BucketName = _bucket, Key = key, ByteRange = new ByteRange(0, found.ContentLength - 1) };
            using var answer = await _client.GetObjectAsync(request, cancellationToken);

            // Parquet is read from its end, so it lies in a file first.
            var file = new FileStream(
                Path.Combine(Path.GetTempPath(), $"caracal-audit-{Guid.NewGuid():N}.read"), FileMode.CreateNew, FileAccess.ReadWrite,
                FileShare.None, 81920, FileOptions.DeleteOnClose);
            await answer.ResponseStream.CopyToAsync(file, cancellationToken);
            file.Position = 0;
            return file;
        }
        catch (Exception fault) when (IsTrouble(fault))
        {
            throw Unreachable(fault);
        }
    }

    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        var request = new ListObjectsV2Request { BucketName = _bucket, Prefix = ExportNames.Root };
        try
        {
            ListObjectsV2Response page;
            do
            {
                page = await _client.ListObjectsV2Async(request, cancellationToken);
                keys.AddRange((page.S3Objects ?? []).Select(found => found.Key));
                request.ContinuationToken = page.NextContinuationToken;
            }
            while (page.IsTruncated == true);
        }
        catch (Exception fault) when (IsTrouble(fault))
        {
            throw Unreachable(fault);
        }

        keys.Sort(StringComparer.Ordinal);
        return keys;
    }

    public void Dispose() => _client.Dispose();

    private PutObjectRequest Put(string key, Stream content)
    {
        content.Position = 0;
        var request = new PutObjectRequest
        {
            BucketName = _bucket,
            Key = key,
            InputStream = content,
            AutoCloseStream = false,
            ContentType = ContentType,
            UseChunkEncoding = false,
        };
        if (_lock is not null)
        {
            request.ObjectLockMode = new ObjectLockMode(_lock.Mode);
            request.ObjectLockRetainUntilDate = LockEnd(_lock);
        }

        return request;
    }

    private InitiateMultipartUploadRequest Begin(string key)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = _bucket, Key = key, ContentType = ContentType };
        if (_lock is not null)
        {
            request.ObjectLockMode = new ObjectLockMode(_lock.Mode);
            request.ObjectLockRetainUntilDate = LockEnd(_lock);
        }

        return request;
    }

    private DateTime LockEnd(ObjectLock @lock) => _time.GetUtcNow().UtcDateTime.AddDays(@lock.Days);

    private async Task<GetObjectMetadataResponse?> FindAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.GetObjectMetadataAsync(_bucket, key, cancellationToken);
        }
        catch (AmazonS3Exception refused) when (refused.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception fault) when (IsTrouble(fault))
        {
            throw Unreachable(fault);
        }
    }

    internal static bool IsTrouble(Exception fault) => fault is AmazonClientException or AmazonServiceException or HttpRequestException or IOException;

    private static ExportTargetException Unreachable(Exception fault) => new($"the export bucket cannot be used: {fault.Message}", fault);
}
