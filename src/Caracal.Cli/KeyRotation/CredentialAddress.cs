using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>The password inside an address of a store.</summary>
internal static class CredentialAddress
{
    public static string PasswordOf(string url) => Uri.UnescapeDataString(new Uri(url).UserInfo.Split(':', 2) is [_, var password] ? password : "");

    /// <summary>Passwords of every slot.</summary>
    public static IReadOnlyList<SecretText> Passwords(CredentialFiles files) =>
    [
        .. new[] { files.Current, files.Next, files.Previous }.OfType<string>().Select(PasswordOf).Where(password => password.Length > 0)
            .Distinct(StringComparer.Ordinal).Select(password => new SecretText(password)),
    ];
}
