namespace Caracal.Storage.Migrations;

/// <summary>One forward-only step of the schema.</summary>
/// <param name="Version">The file's stem, <c>NNNN_name</c>.</param>
/// <param name="Sql">Its text for one engine.</param>
/// <param name="Sha256">Lower-case hex over the untranslated files.</param>
/// <param name="Phase"><c>expand</c>, or <c>contract</c> when the file says <c>-- caracal:phase contract</c>: the step before it no longer runs on the new schema.</param>
internal sealed record Migration(string Version, string Sql, string Sha256, string Phase)
{
    public const string Expand = "expand";
    public const string Contract = "contract";
}
