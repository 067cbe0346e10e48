using Caracal.Cli.Backups;
using Caracal.Cli.Bench;
using Caracal.Cli.Commands;
using Caracal.Cli.Configure;
using Caracal.Cli.Demo;
using Caracal.Cli.Doctor;
using Caracal.Cli.Drills;
using Caracal.Cli.Hardening;
using Caracal.Cli.Incidents;
using Caracal.Cli.KeyRotation;
using Caracal.Cli.Ledger;
using Caracal.Cli.Policies;
using Caracal.Cli.ProviderCredentials;
using Caracal.Cli.Run;

namespace Caracal.Cli.CommandLine;

/// <summary>Every command there is.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        UpCommand.Descriptor,
        DownCommand.Descriptor,
        StatusCommand.Descriptor,
        DemoCommand.Descriptor,
        ServeCommand.Descriptor,
        RunCommand.Descriptor,
        ConfigCommand.Descriptor,
        AuditCommand.Descriptor,
        KeysCommand.Descriptor,
        CredentialCommand.Descriptor,
        MigrateCommand.Descriptor,
        ProvisionCommand.Descriptor,
        RedisCommand.Descriptor,
        HealthcheckCommand.Descriptor,
        MigrateStoreCommand.Descriptor,
        IncidentCommand.Descriptor,
        BackupCommand.Descriptor,
        RestoreCommand.Descriptor,
        DrillCommand.Descriptor,
        DoctorCommand.Descriptor,
        HardenCommand.Descriptor,
        PolicyCommand.Descriptor,
        BenchCommand.Descriptor,
    ];

    public static Command? Find(string name) => All.FirstOrDefault(command => command.Name == name);
}
