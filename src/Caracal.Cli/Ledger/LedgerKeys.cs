using Caracal.Audit;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Ledger;

/// <summary>The audit keys a verification runs with: the environment's, else those of this home's stack.</summary>
internal static class LedgerKeys
{
    /// <summary>The environment, with this home's folder of secrets where it names none.</summary>
    public static ProcessVariables WithSecrets(CommandContext context)
    {
        if (context.Variables.Has("CARACAL_SECRETS_DIR")) return context.Variables;

        // Installed stacks keep their secrets in one folder, the embedded stack in the other.
        var folder = Directory.Exists(context.Paths.DevelopmentSecrets) ? context.Paths.DevelopmentSecrets : context.Paths.InstalledSecrets;
        return context.Variables.With("CARACAL_SECRETS_DIR", folder);
    }

    /// <summary>The keys; says so when there are none.</summary>
    public static HmacKeyRing? Find(CommandContext context)
    {
        var ring = Load(context);
        if (ring is null) context.Terminal.Warning("AUDIT_HMAC_KEY is not set: hashes and links are checked, MACs are not");
        return ring;
    }

    /// <summary>The keys; null when there are none, which an auditor has no need of.</summary>
    public static HmacKeyRing? Load(CommandContext context)
    {
        var variables = WithSecrets(context);
        var secrets = new SecretSource(variables.All, AuditSettings.Role, published: ModeVariable.Read(variables) is "rc" or "stable");
        var ring = secrets.HmacRing(SecretFiles.AuditHmacKey, required: false);
        if (secrets.Problems.Count > 0) throw new CommandFailure(string.Join("\n  ", secrets.Problems), exitCode: 2);
        return ring;
    }
}
