using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Signatures;

/// <summary>A zone's P-256 key: signs mandates with ES256, safe for concurrent use (sts.md 6).</summary>
public sealed class SigningKey : IDisposable
{
    public const int SignatureSize = 64;
    public const int CoordinateSize = 32;

    private readonly ECParameters parameters;

    // ECDsa instances are not promised to be thread-safe and cost about a signature to build, so a few are kept.
    private readonly ECDsa?[] idle = new ECDsa?[Math.Max(2, Environment.ProcessorCount)];
    private volatile bool disposed;

    private SigningKey(ECDsa first)
    {
        parameters = first.ExportParameters(includePrivateParameters: true);
        idle[0] = first;
    }

    /// <summary>Public coordinate, 32 bytes big-endian.</summary>
    public ReadOnlyMemory<byte> X => parameters.Q.X;

    /// <summary>Public coordinate, 32 bytes big-endian.</summary>
    public ReadOnlyMemory<byte> Y => parameters.Q.Y;

    public static SigningKey Generate() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a SEC1 PEM (<c>EC PRIVATE KEY</c>) on P-256.</summary>
    /// <exception cref="CryptographicException">The text is no such key; the message never holds key material.</exception>
    public static SigningKey FromSec1Pem(ReadOnlySpan<byte> pemUtf8)
    {
        var chars = new char[Encoding.UTF8.GetCharCount(pemUtf8)];
        Encoding.UTF8.GetChars(pemUtf8, chars);
        var ecdsa = ECDsa.Create();
        try
        {
            ecdsa.ImportFromPem(chars);
            if (ecdsa.KeySize != 256 || ecdsa.ExportParameters(false).Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            {
                throw new CryptographicException("the signing key is not on P-256");
            }

            return new SigningKey(ecdsa);
        }
        catch (ArgumentException exception)
        {
            ecdsa.Dispose();
            throw new CryptographicException("the signing key is not a SEC1 PEM", exception);
        }
        catch (CryptographicException)
        {
            ecdsa.Dispose();
            throw;
        }
        finally
        {
            Array.Clear(chars);
        }
    }

    /// <summary>The SEC1 PEM to be sealed; the caller disposes it.</summary>
    public SecretBytes ToSec1Pem()
    {
        var ecdsa = Rent();
        byte[]? der = null;
        char[]? pem = null;
        try
        {
            der = ecdsa.ExportECPrivateKey();
            pem = PemEncoding.Write("EC PRIVATE KEY", der);
            var secret = new SecretBytes(pem.Length);
            Encoding.ASCII.GetBytes(pem, secret.Writable);
            return secret;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
            if (pem is not null) Array.Clear(pem);
            Return(ecdsa);
        }
    }

    /// <param name="data">The signing input; hashed with SHA-256.</param>
    /// <param name="signature64">Receives raw r‖s, 64 bytes.</param>
    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature64)
    {
        var ecdsa = Rent();
        if (!ecdsa.TrySignData(data, signature64, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out var written)
            || written != SignatureSize)
        {
            throw new CryptographicException("the signature needs 64 bytes of room");
        }

        Return(ecdsa);
    }

    public override string ToString() => "***";

    public void Dispose()
    {
        disposed = true;
        CryptographicOperations.ZeroMemory(parameters.D);
        for (var i = 0; i < idle.Length; i++) Interlocked.Exchange(ref idle[i], null)?.Dispose();
    }

    private ECDsa Rent()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        foreach (ref var slot in idle.AsSpan())
        {
            if (Interlocked.Exchange(ref slot, null) is { } ecdsa) return ecdsa;
        }

        return ECDsa.Create(parameters);
    }

    private void Return(ECDsa ecdsa)
    {
        if (!disposed)
        {
            foreach (ref var slot in idle.AsSpan())
            {
                if (Interlocked.CompareExchange(ref slot, ecdsa, null) is null) return;
            }
        }

        ecdsa.Dispose();
    }
}
