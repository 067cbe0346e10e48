using System.Text;
using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;
using Caracal.Storage.Migrations;
using Caracal.Storage.Privileges;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.Provisioning;

/// <summary>The derived files of cli.md 4.1: each service's addresses, written again only when what they are made of changed.</summary>
internal static class ServiceUrlFiles
{
    public static void Write(string folder, MigrationJobSettings job, MigrationReport report, RedisProvision? redis, Terminal terminal)
    {
        var written = 0;
        foreach (var (role, login) in report.Logins)
        {
            written += WriteOne(folder, role.Name + "DatabaseUrl", job.Administrator.UrlFor(login, job.Passwords[role])) ? 1 : 0;
        }

        foreach (var user in redis is null ? [] : RedisUser.All)
        {
            written += WriteOne(folder, user.Service + "RedisUrl", redis!.UrlOf(user)) ? 1 : 0;
        }

        if (written > 0) terminal.Info($"wrote {written} service URL file(s) under {folder}");
    }

    private static bool WriteOne(string folder, string name, string url)
    {
        var path = Path.Combine(folder, name);
        var content = Encoding.UTF8.GetBytes(url);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content)) return false;
        SecretFolder.WriteOwnerOnly(path, content);
        return true;
    }
}
