namespace Caracal.ControlPlane.Custody;

/// <summary>Owners in <c>credential_secrets</c> (storage.md 4).</summary>
internal static class SecretOwner
{
    public static string Application(string id) => $"application:{id}";

    public static string Workload(string id) => $"workload:{id}";
}
