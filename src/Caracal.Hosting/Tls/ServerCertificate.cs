using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tls;

/// <summary>
/// A listener's certificate and key, taken anew from their files when these change. Handshakes that follow use the new
/// pair, connections that stand are left alone, and a pair that cannot be used leaves the old one in service.
/// </summary>
public sealed class ServerCertificate
{
    /// <summary>How often a handshake may look at the files.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly string _certificateFile;
    private readonly string _keyFile;
    private readonly TimeProvider _time;
    private readonly Lock _turn = new();
    private volatile Loaded _current;
    private (FileStamp Certificate, FileStamp Key) _seen;
    private long _lookedAt;

    /// <summary>Reads the pair; what cannot be used stops the start.</summary>
    public ServerCertificate(string certificateFile, string keyFile, TimeProvider time)
    {
        _certificateFile = certificateFile;
        _keyFile = keyFile;
        _time = time;
        _seen = Stamps();
        _lookedAt = time.GetTimestamp();
        _current = Load();
    }

    /// <summary>Where a changed pair is reported; set once the server's log exists.</summary>
    public ILogger? Log { get; set; }

    /// <summary>The end of the current certificate's life.</summary>
    public DateTimeOffset ExpiresAt => _current.ExpiresAt;

    /// <summary>What the next handshake uses (TLS 1.2 or 1.3; HTTP/2 by ALPN).</summary>
    public SslServerAuthenticationOptions ForHandshake()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookInterval)
        {
            Look();
        }

        return _current.Options;
    }

    private void Look()
    {
        if (!_turn.TryEnter())
        {
            return; // another handshake is looking
        }

        try
        {
            Volatile.Write(ref _lookedAt, _time.GetTimestamp());
            var stamps = Stamps();
            if (stamps != _seen)
            {
                _seen = stamps;
                Reload();
            }
        }
        finally
        {
            _turn.Exit();
        }
    }

    // The two files are replaced one after the other, so a pair that does not fit is no fault yet: the second change brings
    // us here again.
    private void Reload()
    {
        try
        {
            _current = Load();
            if (Log is { } log)
            {
                ServiceLog.CertificateReloaded(log, _current.ExpiresAt);
            }
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            if (Log is { } log)
            {
                ServiceLog.CertificateRefused(log, fault.GetType().Name);
            }
        }
    }

    private Loaded Load()
    {
        // Not disposed when it is replaced: handshakes that began with it still hold it.
        var certificate = X509Certificate2.CreateFromPemFile(_certificateFile, _keyFile);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_certificateFile);
        for (var i = chain.Count - 1; i >= 0; i--)
        {
            if (chain[i].RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span))
            {
                chain.RemoveAt(i);
            }
        }

        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Protocols,
            ClientCertificateRequired = false,
        };
        return new Loaded(options, new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
    }

    private (FileStamp Certificate, FileStamp Key) Stamps() => (FileStamp.Of(_certificateFile), FileStamp.Of(_keyFile));

    private sealed record Loaded(SslServerAuthenticationOptions Options, DateTimeOffset ExpiresAt);

    // Mounted secrets are links that are switched: the link's target is looked at, not the link.
    private readonly record struct FileStamp(long Length, DateTime ChangedAt, string? Target)
    {
        public static FileStamp Of(string path)
        {
            try
            {
                var target = File.ResolveLinkTarget(path, returnFinalTarget: true);
                var file = target as FileInfo ?? new FileInfo(path);
                return file.Exists ? new FileStamp(file.Length, file.LastWriteTimeUtc, target?.FullName) : default;
            }
            catch (IOException)
            {
                return default;
            }
        }
    }
}
