using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Caracal.Storage.Privileges;

/// <summary>
/// What PostgreSQL stores of a password (RFC 5803). Made here, so that the password itself is in no statement, and so in no
/// server log.
/// </summary>
internal static class ScramVerifier
{
    /// <summary>The server's own default.</summary>
    private const int Iterations = 4096;

    private const int SaltBytes = 16;

    /// <summary>True when the password is printable ASCII: SASLprep leaves it as it is, so that every client computes the same key.</summary>
    public static bool CanUse(string password) => password.Length > 0 && password.All(c => c is > ' ' and <= '~');

    public static string Of(string password) => Of(password, RandomNumberGenerator.GetBytes(SaltBytes));

    internal static string Of(string password, byte[] salt)
    {
        if (!CanUse(password))
        {
            throw new ArgumentException("a database password must be printable ASCII without spaces", nameof(password));
        }

        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.ASCII.GetBytes(password), salt, Iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var storedKey = SHA256.HashData(clientKey);
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}");
    }
}
